/** A primary's catalogue without its process: drafts, imports and publications, for tests of what they do. */
import { Readable } from 'node:stream';
import { type ImportReport, type ImportRequest, importCatalog } from '../../activities/catalog/import';
import { itemsAt } from '../../db/catalog/changes';
import { type DraftKey, itemsInDraft, skusInDraft } from '../../db/catalog/drafts';
import { readHead } from '../../db/catalog/heads';
import { type Publication, publishDraft } from '../../db/catalog/publication';
import { type Engine } from '../../db/database';
import { type CatalogItem } from '../../domain/catalog';
import { DRAFT_DEFAULT, itemChange, publishedAt, waitingChanges } from '../../domain/catalog-draft';
import { type LoneSite, STORE, loneSite } from '../support/lone-site';
import { type SiteContext } from '../../activities/context';

const CATALOG = 'main';
const ITEMS_MAX = 10_000;

export class KeptCatalog {
  /** Milliseconds UTC: what the site takes for now. */
  now = Date.UTC(2026, 0, 1);
  private published = 0;

  private constructor(readonly site: LoneSite) {}

  static async create(engine: Engine): Promise<KeptCatalog> {
    return new KeptCatalog(await loneSite(engine, 'hq'));
  }

  /** With these items published. */
  static async selling(engine: Engine, csv: string): Promise<KeptCatalog> {
    const kept = await KeptCatalog.create(engine);
    await kept.import(csv);
    await kept.publish();
    return kept;
  }

  get context(): SiteContext {
    const { context } = this.site;
    return { ...context, runtime: { ...context.runtime, clock: { now: () => this.now } } };
  }

  key(draft: string = DRAFT_DEFAULT): DraftKey {
    return { store: STORE, catalog: CATALOG, draft };
  }

  import(text: string | Buffer, options: Partial<ImportRequest> & { draft?: string } = {}): Promise<ImportReport> {
    return importCatalog(this.context, {
      ...{ ...this.key(), source: Readable.from([Buffer.from(text)]), format: 'csv', mode: null, skipBad: false },
      ...options,
    });
  }

  publish(draft?: string): Promise<Publication> {
    const request = `request-${++this.published}`;
    const { now } = this;
    return this.site.db.transaction((tx) =>
      publishDraft(tx, { store: STORE, catalog: CATALOG, epoch: 1, request, now, ...(draft ? { draft } : {}) }),
    );
  }

  /** What readers see, or saw at that revision. */
  async items(revision?: number): Promise<CatalogItem[]> {
    const at = revision ?? (await readHead(this.site.db, STORE, CATALOG)).revision;
    const versions = await itemsAt(this.site.db, { store: STORE, catalog: CATALOG, revision: at }, '', ITEMS_MAX);
    return versions.map(({ item }) => item);
  }

  /** Prices in 1/10,000 by sku. */
  async prices(): Promise<Record<string, number>> {
    return Object.fromEntries((await this.items()).map(({ sku, price }) => [sku, price]));
  }

  /** What a publication would do: `changed price 1.00 -> 2.00`, `waiting 2`. */
  async preview(draft?: string): Promise<Record<string, string>> {
    const key = this.key(draft);
    const skus = await skusInDraft(this.site.db, key, { after: '', limit: 200 });
    const entries = await itemsInDraft(this.site.db, key, skus);
    return Object.fromEntries(
      entries.map((entry) => {
        const { change, fields } = itemChange(entry.published, publishedAt(entry, this.now));
        const values = fields.map(({ field, before, after }) => ` ${field} ${before ?? '-'} -> ${after ?? '-'}`);
        const waiting = waitingChanges(entry, this.now).length;
        return [
          entry.sku,
          change + (change === 'changed' ? values.join(',') : '') + (waiting ? `, waiting ${waiting}` : ''),
        ];
      }),
    );
  }
}
