/**
 * Activities between sites: names and arguments are a wire contract. Fields are only ever added, and receivers are
 * upgraded before senders (design, section 3). Beside its own fields every argument may have the `traceContext` of
 * domain/trace.ts, which workflows/trace.ts puts there. Types only: workflow code imports this file.
 */
import { type CatalogDeliveryState } from '../domain/catalog';
import { type SealedDocument } from '../domain/documents';
import {
  type AllocationSharing,
  type StockLine,
  type TransferId,
  type UpdateKind,
  type UpdateLine,
  type UpdateResult,
} from '../domain/inventory';
import { type OrderAnswer, type OrderState } from '../domain/orders';
import { type Topology } from '../domain/sites';

/** Where a catalogue document is and what it brings: documents go by reference (design, section 3). */
export interface CatalogDocumentReference {
  readonly store: string;
  readonly catalog: string;
  /** The part of the catalogue that it brings, by the groups that it is for (domain/audience.ts); empty for everyone's. */
  readonly partition: string;
  /** 0: the document is full. */
  readonly base: number;
  readonly target: number;
  readonly payloadID: string;
  /** POST a SubscriptionContentRequest here. */
  readonly url: string;
  /** Of the XML, uncompressed. */
  readonly bytes: number;
  /** SHA-256 (hex) over the canonical content. */
  readonly contentDigest: string;
  readonly itemCount: number;
  /** Which groups the receiver and the sites below it serve from this revision on, by their ids. */
  readonly served?: Readonly<Record<string, readonly string[]>>;
}

/** What a site answers to a catalogue document. */
export interface CatalogApplied {
  /** That it has now. */
  readonly revision: number;
  /** It has not taken the document, and would take one on this base: its own revision, or 0 for a full document only. */
  readonly takesBase?: number;
}

export interface CatalogDeliveryRecord {
  readonly store: string;
  readonly epoch: number;
  readonly catalog: string;
  readonly partition: string;
  readonly site: string;
  readonly state: CatalogDeliveryState;
  /** Confirmed by the site; absent while it has not answered. */
  readonly revision?: number;
  readonly target: number;
  readonly payloadID: string;
  readonly workflowId: string;
  readonly reason?: string;
  /** Milliseconds UTC since when the delivery waits. */
  readonly heldSince?: number;
  readonly publisher?: string;
}

export interface PublishedRevision {
  readonly revision: number;
  readonly itemCount: number;
  readonly added: number;
  readonly changed: number;
  readonly withdrawn: number;
  /** Sites that the catalogue is for: the publisher's children. */
  readonly sites: readonly string[];
}

export interface AllocationRequest {
  readonly store: string;
  readonly epoch: number;
  /** The request's id: the same request asked twice gives the same transfers. */
  readonly request: string;
  /** Takers; empty for all children. The primary's own share comes beside them when `ownShare` says so. */
  readonly sites: readonly string[];
  /** Items to share out; empty for all of the pool. */
  readonly skus: readonly string[];
  readonly ownShare: boolean;
  /** How it is shared; equally where nothing is said. */
  readonly sharing?: AllocationSharing;
}

export interface PlannedTransfer {
  readonly transfer: TransferId;
  readonly taker: string;
  readonly lines: number;
  readonly units: number;
}

export interface ReallocationPlanRequest {
  readonly store: string;
  readonly taker: string;
  readonly needs: readonly StockLine[];
  /** What the sites that were reached could give; the parent's own is looked up. */
  readonly spare: readonly { readonly site: string; readonly lines: readonly StockLine[] }[];
}

export interface ReallocationPlan {
  /** The parent itself among them, for its pool. */
  readonly givers: readonly { readonly site: string; readonly lines: readonly StockLine[] }[];
  /** What nobody in reach has. */
  readonly missing: readonly StockLine[];
}

export interface GiftRequest {
  readonly store: string;
  /** The same request asked twice gives the same transfers. */
  readonly request: string;
  readonly taker: string;
  readonly takerIncarnation: number;
  readonly lines: readonly StockLine[];
  /** Nothing is given after this: whoever was away so long was asked for needs that are no more. Milliseconds UTC. */
  readonly until: number;
}

export interface AppliedUpdate {
  readonly result: UpdateResult;
  /** Of a recall: what is on its way to the parent. */
  readonly transfers: readonly PlannedTransfer[];
}

export interface ReplenishmentAsked {
  /** Until the next look, as the site is configured now; 0: when it is asked to. */
  readonly everyMinutes: number;
  /** null: nothing is short. */
  readonly asked: {
    readonly document: SealedDocument;
    readonly parent: string;
    /** There may be more beyond this item: one document holds only so many. */
    readonly next: string | null;
  } | null;
  /** Short items up to there that are not asked for, since nobody had any a while ago. */
  readonly waiting?: number;
}

export interface CartConversion {
  readonly store: string;
  readonly cart: string;
  /** The cart's version that the integrator saw; absent for whatever it is now. */
  readonly version?: number;
  /** The cartToPurchaseOrder workflow that wants to hear of the answer. */
  readonly workflowId: string;
}

export type CartConversionResult =
  /** `answered` where the order's answer was booked before, which nobody signals again. */
  | { readonly outcome: 'ordered'; readonly orderId: string; readonly answered?: OrderState }
  /** `problem` is the problem document's type that the HTTP checkout would have answered. */
  | { readonly outcome: 'refused'; readonly problem: string; readonly detail: string };

/**
 * Put on `primary.<store>.<epoch>`: each requires, in its transaction, that this site is primary in that epoch. Those of
 * catalogues take a `publisher`, too: a site that sends on to its children what it has confirmed, asked on its own queue.
 */
export interface PrimaryActivities {
  /** Figure 6, step 600: the draft becomes the next revision, once per request; without changes the newest one. */
  publishCatalog(input: {
    store: string;
    epoch: number;
    catalog: string;
    request: string;
    /** The default one unless given. */
    draft?: string;
    /** The trigger that asks; one for a time has fired with it. */
    trigger?: string;
    /** Nothing is published: the newest revision is for these sites. */
    only?: { readonly sites: readonly string[] };
    publisher?: string;
  }): Promise<PublishedRevision>;
  /** Figure 6, steps 602 and 604. */
  prepareCatalogDocument(input: {
    store: string;
    epoch: number;
    catalog: string;
    partition: string;
    /** What the receiver has; 0 for a full document. */
    base: number;
    /** For these instead, each from what it has confirmed; the first one's is answered. */
    sites?: readonly string[];
    /** Whom it is for; the groups that are served there and below decide what it may hold. */
    site?: string;
    /** 0 for the newest. */
    target: number;
    publisher?: string;
  }): Promise<CatalogDocumentReference>;
  recordCatalogDelivery(input: CatalogDeliveryRecord): Promise<void>;
  /** Figure 8, steps 800 to 804: debits the pool, once per request. */
  planAllocation(input: AllocationRequest): Promise<{ transfers: PlannedTransfer[]; ownUnits: number }>;
  sealAllocation(input: { store: string; epoch: number; transfer: TransferId }): Promise<SealedDocument>;
  /** Figure 8, step 810. */
  settleTransfer(input: { store: string; epoch: number; confirmation: SealedDocument }): Promise<void>;
  receiveOrders(input: { store: string; epoch: number; batch: SealedDocument }): Promise<OrderAnswer[]>;
  recordWorkflow(input: { store: string; workflowId: string; state: string; result: string }): Promise<void>;
}

/** Put on `site.<store>.<site>.<incarnation>`. */
export interface SiteActivities {
  applyTopology(input: { topology: Topology }): Promise<void>;
  /** Figure 7: fetches, checks, stages and flips. */
  applyCatalog(input: CatalogDocumentReference): Promise<CatalogApplied>;
  /** Figure 9: credits once and answers the sealed confirmation. */
  creditAllocation(input: { document: SealedDocument }): Promise<SealedDocument>;
  /** A parent that is not the primary takes orders here. */
  receiveOrders(input: { store: string; epoch: number; batch: SealedDocument }): Promise<OrderAnswer[]>;
  bookOrderAnswers(input: { store: string; batch: string; answers: readonly OrderAnswer[] }): Promise<void>;
  /** What a giver's and a parent's own transfers need at any site: as those of the primary. */
  sealAllocation(input: { store: string; epoch: number; transfer: TransferId }): Promise<SealedDocument>;
  settleTransfer(input: { store: string; epoch: number; confirmation: SealedDocument }): Promise<void>;
  /** Figure 12, step 1200: what of these units the site does not have now. */
  reportNeeds(input: { store: string; wanted: readonly StockLine[] }): Promise<StockLine[]>;
  /** Figure 12, step 1202: what of these items the site could give and keep its floor. */
  reportSpare(input: { store: string; lines: readonly StockLine[] }): Promise<StockLine[]>;
  /** Figure 12, step 1204: which of these sites give how much; changes nothing. */
  planReallocation(input: ReallocationPlanRequest): Promise<ReallocationPlan>;
  /** Debits, once per request, what there is of the lines above the site's floor. */
  giveStock(input: GiftRequest): Promise<PlannedTransfer[]>;
  /** Figure 13, step 1302: once per update. */
  applyInventoryUpdate(input: {
    store: string;
    update: string;
    kind: UpdateKind;
    lines: readonly UpdateLine[];
    /** For which data of the site it was asked; later ones do not apply it. */
    incarnation?: number;
  }): Promise<AppliedUpdate>;
  /** Whoever asked for an update hears what came of it. */
  recordInventoryUpdate(input: { store: string; update: string; result: UpdateResult }): Promise<void>;
  /** What rules of thresholds come to, for every item. */
  measureThresholds(input: { store: string }): Promise<void>;
  /** Figure 11, steps 1100 to 1104: what is short beyond the item `after`; the same request asks for the same. */
  requestReplenishment(input: {
    store: string;
    request: string;
    after: string;
    /** Asks for what nobody had a while ago, too. */
    all?: boolean;
  }): Promise<ReplenishmentAsked>;
  /** Figure 12, at the parent: the same document is answered the same. */
  answerReplenishment(input: { document: SealedDocument }): Promise<SealedDocument>;
  /** Figure 11, step 1110: once per answer. */
  applyReplenishment(input: { document: SealedDocument }): Promise<{
    /** For the giver, one of each transfer. */
    readonly confirmations: readonly SealedDocument[];
    /** Units that the site is to have of what the parent had not enough of. */
    readonly wanted: readonly StockLine[];
  }>;
  convertCart(input: CartConversion): Promise<CartConversionResult>;
  recordWorkflow(input: { store: string; workflowId: string; state: string; result: string }): Promise<void>;
}
