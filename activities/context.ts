/** What a site process gives to everything that runs in it. */
import { type Database } from '../db/database';
import { TellableError } from '../domain/errors';
import { type DocumentKind, type SealedDocument } from '../domain/documents';
import {
  type CentralSettings,
  type PolicyParameters,
  type ReplenishmentSettings,
  type Sharing,
} from '../domain/inventory';
import { type Amount } from '../domain/money';
import { type Runtime } from '../domain/runtime';
import { type Topology } from '../domain/sites';
import { type BuyersUnderWay } from './buyers';
import { type Observation } from './observation';
import { type SealingKeys } from './sealing';

export interface ShippingMethod {
  readonly code: string;
  readonly description: string;
  readonly amount: Amount;
}

export interface StoreSettings {
  readonly store: string;
  /** As buyers see it. */
  readonly name: string;
  /** Internet domain: the right side of payloadIDs. */
  readonly domain: string;
  /** ISO 4217. */
  readonly currency: string;
  /** BCP 47, for xml:lang. */
  readonly language: string;
  /** The catalogue that buyers browse unless they name another. */
  readonly catalog: string;
  readonly shippingMethods: readonly ShippingMethod[];
  /** Tax is not calculated here; the order states it. */
  readonly tax: { readonly description: string; readonly amount: Amount };
  /** What a checkout does with a line whose price has changed since it was put in the cart. */
  readonly priceChange: 'refuse' | 'honour';
  /** How stock is moved between the sites. */
  readonly inventory: {
    /** How long an order that is short may wait for other sites, milliseconds; 0: it does not ask. */
    readonly borrowing: {
      readonly waitMs: number;
      /** A parent gives a child that borrows more than it asks for, where that is worth more there than in the pool. */
      readonly refill: boolean;
    };
    /** Units of an item that this site keeps when another gets some of it and no buyer waits. */
    readonly giverFloor: number;
    readonly policy: PolicyParameters;
    /** How the pool is shared out where the request does not say. */
    readonly allocation: Sharing;
    readonly replenishment: ReplenishmentSettings;
    /** Items whose rights stay at the primary. */
    readonly central: CentralSettings;
  };
  readonly sealing: SealingKeys;
  /** What configuration says, used until the topology's authority has spoken. */
  readonly configuredTopology: Topology;
}

/** Does Temporal answer now? */
export interface TemporalReach {
  readonly reached: boolean;
  /** Why it does not. */
  readonly reason: string | null;
}

/** A request to another site. */
export interface TransportRequest {
  readonly method: 'POST';
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** As `fetch`, but a body that comes compressed is handed on as it came. */
export type Transport = (url: string, request: TransportRequest) => Promise<Response>;

export interface SiteContext extends Observation {
  /** This process's site. */
  readonly site: string;
  /** By name; several stores may share a site. */
  readonly stores: ReadonlyMap<string, StoreSettings>;
  readonly db: Database;
  readonly runtime: Runtime;
  /** How another site is asked over HTTP. */
  readonly transport: Transport;
  /** A folder for files that can be made again (catalogue documents). */
  readonly documentsDir: string;
  /** This site's own API, without a slash at the end. */
  readonly url: string;
  /** Base of the Temporal UI and the namespace, for links. */
  readonly temporalUi: { readonly url: string; readonly namespace: string };
  /** Asks Temporal for a sign of life; answers within seconds and never throws. */
  readonly temporalReach: () => Promise<TemporalReach>;
  /**
   * The sealed documents that a workflow has carried, each once; null for a workflow that Temporal does not know. Throws
   * when Temporal is away.
   */
  readonly sealedDocuments: (workflowId: string) => Promise<readonly SealedDocument[] | null>;
  /** Tells the relay that the outbox has work; called after a COMMIT, never waits. */
  readonly outboxHasWork: () => void;
  readonly buyers: BuyersUnderWay;
  /** Keeps a copy of a document that the transport emitted; null where no archive is configured. */
  readonly archiveDocument: ((kind: DocumentKind, payloadID: string, xml: string | Buffer) => void) | null;
}

export function storeSettings(context: SiteContext, store: string): StoreSettings {
  const settings = context.stores.get(store);
  if (!settings) {
    const known = [...context.stores.keys()].join(', ');
    throw new TellableError(`store "${store}" is not configured at site "${context.site}" (configured: ${known})`);
  }
  return settings;
}

/** The page of a workflow in the Temporal UI. */
export function workflowPage(context: SiteContext, workflowId: string): string {
  const { url, namespace } = context.temporalUi;
  return `${url}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
