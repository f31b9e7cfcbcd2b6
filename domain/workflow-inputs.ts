/** The one argument of each workflow: what API, relay and workflows agree on. Fields are only ever added. */
import { type SealedDocument } from './documents';
import { type AllocationSharing, type StockLine, type TransferId, type UpdateKind, type UpdateLine } from './inventory';
import { type Topology } from './sites';
import { type TopologyState } from './topology';
import { type Traced } from './trace';

/** Signal to every workflow that waits for a receiver. */
export const TOPOLOGY_CHANGED = 'topologyChanged';
/** Query that every workflow answers. */
export const STATUS_QUERY = 'status';
/** Query of storeTopology. */
export const TOPOLOGY_QUERY = 'topology';
/** Update of storeTopology. */
export const REGISTER_SITE = 'registerSite';
/** Signal to storeTopology: tell this workflow of changes until it leaves. */
export const SUBSCRIBE = 'subscribe';
export const UNSUBSCRIBE = 'unsubscribe';
/** Signal to catalogDelivery: there is a newer revision. */
export const DELIVER_REVISION = 'deliverRevision';
/** Signal to catalogPush: a site has answered. */
export const SITE_REPORTED = 'siteReported';
/** Signal to cartToPurchaseOrder: the order's receiver has answered. */
export const ORDER_ANSWERED = 'orderAnswered';

/** Signal to inventoryReplenishment: look now. */
export const SHORT = 'short';

export interface StoreTopologyInput {
  readonly state: TopologyState;
  readonly subscribers: readonly string[];
}

export interface CatalogPushInput extends Traced {
  readonly store: string;
  readonly catalog: string;
  readonly request: string;
  /** What is published; the default one unless given. */
  readonly draft?: string;
  /** The newest revision goes to these sites; nothing is published. Absent: the draft is, and goes to every child. */
  readonly only?: { readonly sites: readonly string[] };
  /** The site that asked for itself, and answers for the workflow's state; absent: the publisher does. */
  readonly requestedAt?: string;
  /** The trigger whose schedule has started it; each start is a request of its own, whose name is the workflow's id. */
  readonly trigger?: string;
  /** The site that sends on to its children what it has confirmed; absent for the primary. */
  readonly publisher?: string;
  readonly topology: Topology;
}

/** A revision that a site is to have, and the pushes that want to hear of it. */
export interface WantedRevision {
  readonly target: number;
  readonly reportTo: readonly string[];
  /** The parent that it comes from; absent for the primary. */
  readonly publisher?: string;
}

export interface CatalogDeliveryInput extends Traced {
  readonly store: string;
  readonly catalog: string;
  readonly partition: string;
  readonly site: string;
  readonly wanted: WantedRevision;
  readonly topology: Topology;
}

export interface SiteReport {
  readonly site: string;
  readonly target: number;
  readonly state: 'confirmed' | 'held' | 'parked';
  readonly reason?: string;
}

export interface InventoryAllocationInput extends Traced {
  readonly store: string;
  readonly request: string;
  /** Empty for all of the parent's children. */
  readonly sites: readonly string[];
  /** Empty for all of the pool. */
  readonly skus: readonly string[];
  readonly ownShare: boolean;
  /** Equally where nothing is said. */
  readonly sharing?: AllocationSharing;
  /** The site that asks for its share, and hears what became of it; absent: the primary. */
  readonly requestedAt?: string;
  readonly topology: Topology;
}

/** Units are moved to a site (figure 12): either what it lacks of `wanted`, or a transfer that was given before. */
export interface InventoryReallocationInput extends Traced {
  readonly store: string;
  /** The parent that moves units between its sites; of a transfer given before, its giver. */
  readonly site: string;
  readonly request: string;
  /** Units that the taker is to have. */
  readonly wanted?: { readonly taker: string; readonly lines: readonly StockLine[] };
  readonly given?: { readonly transfer: TransferId; readonly taker: string };
  readonly topology: Topology;
}

/** A site looks for what it runs short of, and asks its parent (figure 11), for as long as the site is there. */
export interface InventoryReplenishmentInput extends Traced {
  readonly store: string;
  readonly site: string;
  readonly topology: Topology;
}

/** What inventoryReplenishment records. */
export interface LookResult {
  readonly details: string;
  /** Items below their threshold at the last look; null before the first. */
  readonly short: number | null;
}

/** An unsolicited change of a site's stock (figure 13). */
export interface InventoryUpdateInput extends Traced {
  readonly store: string;
  /** Whose stock it is. */
  readonly site: string;
  readonly update: string;
  /** The site that asks, and hears of what could not be taken. */
  readonly asker: string;
  readonly kind: UpdateKind;
  readonly lines: readonly UpdateLine[];
  readonly topology: Topology;
}

export interface CartToPurchaseOrderInput extends Traced {
  readonly store: string;
  readonly site: string;
  readonly cart: string;
  readonly version?: number;
  readonly topology: Topology;
}

export interface PurchaseOrderDeliveryInput extends Traced {
  readonly store: string;
  readonly site: string;
  readonly batch: string;
  readonly document: SealedDocument;
  /** Workflows that asked for one of the orders. */
  readonly notify: readonly { readonly orderId: string; readonly workflowId: string }[];
  readonly topology: Topology;
}
