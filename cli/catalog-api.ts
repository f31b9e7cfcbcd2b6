/** What the command line asks of a site's API about drafts, revisions and triggers. */
import { ApiClient, ApiProblem, type ApiTarget } from './api-client';
import { type Money } from './site-api';

/** Drafting what brings a revision back, or throwing a large draft away, milliseconds. */
const DRAFTING_TIMEOUT_MS = 10 * 60_000;
const NOT_FOUND = 404;

export interface Draft {
  readonly draft: string;
  readonly added: number;
  readonly changed: number;
  readonly withdrawn: number;
  /** Changes whose time has come, and those that wait for theirs. */
  readonly due: number;
  readonly waiting: number;
  readonly updatedAt: string | null;
}

export interface ItemChange {
  readonly sku: string;
  readonly change: 'added' | 'changed' | 'withdrawn' | 'unchanged';
  readonly fields: readonly { readonly field: string; readonly before: string | null; readonly after: string | null }[];
}

export interface DraftChange extends ItemChange {
  readonly waiting: readonly { readonly from: string; readonly price: Money }[];
}

export interface DraftItem extends DraftChange {
  readonly draft: string;
  readonly defaults: readonly string[];
}

export interface Revision {
  readonly revision: string;
  readonly base: string;
  readonly items: number;
  readonly publishedAt: string;
}

export interface KeptItem {
  readonly sku: string;
  readonly description: string;
  readonly price: Money;
  readonly unitOfMeasure: string;
  readonly audience: string;
}

export interface Trigger {
  readonly trigger: string;
  readonly draft: string;
  readonly state: 'active' | 'paused' | 'fired';
  readonly at?: string;
  readonly everySeconds?: number;
  readonly changes?: number;
  readonly schedule: string | null;
}

/** When it fires: one of the three. */
export type TriggerTimes = Pick<Trigger, 'at' | 'everySeconds' | 'changes'>;

/** What is said of an item, by the API's names. */
export type ItemValues = Readonly<Record<string, unknown>>;

export class CatalogApi {
  private readonly client: ApiClient;
  private readonly base: string;

  constructor(target: ApiTarget, catalog: string) {
    this.client = new ApiClient(target);
    this.base = `/catalogs/${encodeURIComponent(catalog)}`;
  }

  async drafts(): Promise<readonly Draft[]> {
    return (await this.client.store<{ items: readonly Draft[] }>(`${this.base}/drafts`)).body.items;
  }

  async draft(name: string): Promise<Draft> {
    return (await this.client.store<Draft>(this.draftPath(name))).body;
  }

  draftChanges(name: string, limit: number): Promise<DraftChange[]> {
    return this.client.list<DraftChange>(`${this.draftPath(name)}/changes`, {}, limit);
  }

  async discardDraft(name: string): Promise<number> {
    const call = { method: 'DELETE', timeoutMs: DRAFTING_TIMEOUT_MS } as const;
    return (await this.client.store<{ discarded: number }>(this.draftPath(name), call)).body.discarded;
  }

  /** Changes what is said of an item that is there; else adds it. */
  async setItem(draft: string, sku: string, values: ItemValues): Promise<DraftItem> {
    const path = this.itemPath(draft, sku);
    try {
      return (await this.client.store<DraftItem>(path, { method: 'PATCH', body: values })).body;
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== NOT_FOUND) throw error;
      return (await this.client.store<DraftItem>(path, { method: 'PUT', body: values })).body;
    }
  }

  async withdrawItem(draft: string, sku: string): Promise<DraftItem> {
    return (await this.client.store<DraftItem>(this.itemPath(draft, sku), { method: 'DELETE' })).body;
  }

  revisions(limit: number): Promise<Revision[]> {
    return this.client.list<Revision>(`${this.base}/revisions`, {}, limit);
  }

  revisionItems(revision: string, limit: number): Promise<KeptItem[]> {
    return this.client.list<KeptItem>(`${this.base}/revisions/${encodeURIComponent(revision)}/items`, {}, limit);
  }

  diff(from: string, to: string | undefined, limit: number): Promise<ItemChange[]> {
    return this.client.list<ItemChange>(`${this.base}/diff`, { from, to }, limit);
  }

  async restore(revision: string): Promise<Draft> {
    const path = `${this.base}/revisions/${encodeURIComponent(revision)}/restorations`;
    return (await this.client.store<Draft>(path, { method: 'POST', timeoutMs: DRAFTING_TIMEOUT_MS })).body;
  }

  async triggers(): Promise<readonly Trigger[]> {
    return (await this.client.store<{ items: readonly Trigger[] }>(`${this.base}/triggers`)).body.items;
  }

  async setTrigger(name: string, draft: string, times: TriggerTimes): Promise<Trigger> {
    const body = { ...times, draft };
    return (await this.client.store<Trigger>(this.triggerPath(name), { method: 'PUT', body })).body;
  }

  async pauseTrigger(name: string, paused: boolean): Promise<Trigger> {
    const method = paused ? 'POST' : 'DELETE';
    return (await this.client.store<Trigger>(`${this.triggerPath(name)}/pauses`, { method })).body;
  }

  async removeTrigger(name: string): Promise<void> {
    await this.client.store(this.triggerPath(name), { method: 'DELETE' });
  }

  /** The workflow's id. */
  async request(): Promise<string> {
    const call = { method: 'POST' } as const;
    return (await this.client.store<{ workflowId: string }>(`${this.base}/requests`, call)).body.workflowId;
  }

  private triggerPath(name: string): string {
    return `${this.base}/triggers/${encodeURIComponent(name)}`;
  }

  private draftPath(name: string): string {
    return `${this.base}/drafts/${encodeURIComponent(name)}`;
  }

  private itemPath(draft: string, sku: string): string {
    return `${this.draftPath(draft)}/items/${encodeURIComponent(sku)}`;
  }
}
