/**
 * A primary and its sites between which documents are lost, come twice, late and in any order, while items and audiences
 * change. What a site shows is held against a model that shares no code with the product.
 */
import { type Readable } from 'node:stream';
import { catalogActivities } from '../../activities/catalog';
import { applyCatalog } from '../../activities/catalog/apply';
import { openDocumentFile } from '../../activities/catalog/documents';
import { decompressed } from '../../activities/catalog/fetch';
import { nameGroup, serveSite, setAudience } from '../../activities/catalog/groups';
import { type CatalogDocumentReference } from '../../activities/contract';
import { draftItems, draftWithdrawals } from '../../db/catalog/drafts';
import { readHead } from '../../db/catalog/heads';
import { formatAudience } from '../../domain/audience';
import { type CatalogItem } from '../../domain/catalog';
import { type LoneSite, STORE } from '../support/lone-site';

const CATALOG = 'main';
const GROUPS = ['gold', 'silver', 'staff'] as const;
const SKUS = Array.from({ length: 12 }, (_, index) => `S${index + 10}`);

/** An item as it was meant, by the names of groups. */
interface Meant {
  readonly price: number;
  readonly groups: readonly string[];
  readonly prices: Readonly<Record<string, number>>;
}

interface Published {
  readonly items: ReadonlyMap<string, Meant>;
  /** Whom the catalogue is for; nobody named: everyone. */
  readonly audience: readonly string[];
}

/** From when on a site served which groups, until the revision that ended it. */
interface Served {
  readonly groups: readonly string[];
  until: number;
}

interface Underway {
  readonly to: LoneSite;
  readonly document: CatalogDocumentReference;
}

/** How often each thing happened that must have happened for the run to say anything. */
export type Counts = Record<
  'taken' | 'delta' | 'full' | 'late' | 'refused' | 'lost' | 'twice' | 'audience' | 'served',
  number
>;

/** What a site showed or answered that it must not. */
export class Diverged extends Error {}

export class Converging {
  readonly counts: Counts = {
    ...{ taken: 0, delta: 0, full: 0, late: 0, refused: 0, lost: 0, twice: 0, audience: 0, served: 0 },
  };
  private readonly ids = new Map<string, string>();
  private readonly history = new Map<number, Published>();
  private readonly served = new Map<string, Served[]>();
  private readonly underway: Underway[] = [];
  private items = new Map<string, Meant>();
  private audience: readonly string[] = [];
  private requests = 0;

  constructor(
    private readonly primary: LoneSite,
    private readonly sites: readonly LoneSite[],
    private readonly random: () => number,
  ) {
    for (const { site } of sites) this.served.set(site, [{ groups: [], until: Infinity }]);
  }

  async run(rounds: number): Promise<void> {
    for (const name of GROUPS) {
      this.ids.set(name, (await nameGroup(this.primary.context, { store: STORE, epoch: 1, name })).id);
    }
    for (let round = 0; round < rounds; round++) {
      await this.change();
      for (const to of this.sites) if (this.random() < 0.7) await this.prepare(to);
      for (const one of [...this.underway]) if (this.random() < 0.6) await this.meet(one);
    }
    for (const to of this.sites) await this.settle(to);
  }

  private async change(): Promise<void> {
    const kind = this.random();
    if (kind < 0.12 && this.history.size > 0) await this.serveOther();
    else if (kind < 0.27 && this.history.size > 0) await this.changeAudience();
    else await this.publish();
    const { revision } = await readHead(this.primary.db, STORE, CATALOG);
    if (revision > 0) this.history.set(revision, { items: new Map(this.items), audience: this.audience });
  }

  private async publish(): Promise<void> {
    const { db, context } = this.primary;
    const some = SKUS.filter(() => this.random() < 0.3);
    const gone = some.filter((sku) => this.items.has(sku) && this.random() < 0.3);
    const changed = some.filter((sku) => !gone.includes(sku)).map((sku): [string, Meant] => [sku, this.meant()]);
    await db.transaction(async (tx) => {
      await draftItems(
        tx,
        STORE,
        CATALOG,
        changed.map(([sku, meant]) => this.asItem(sku, meant)),
        1,
      );
      await draftWithdrawals(tx, STORE, CATALOG, gone, 1);
    });
    const request = `request-${++this.requests}`;
    await catalogActivities(context).publishCatalog({ store: STORE, epoch: 1, catalog: CATALOG, request });
    for (const [sku, meant] of changed) this.items.set(sku, meant);
    for (const sku of gone) this.items.delete(sku);
  }

  private async serveOther(): Promise<void> {
    const { site } = this.pick(this.sites);
    const groups = this.some();
    await serveSite(this.primary.context, { store: STORE, epoch: 1, site, groups: this.idsOf(groups) });
    const log = this.served.get(site) as Served[];
    (log.at(-1) as Served).until = (await readHead(this.primary.db, STORE, CATALOG)).revision;
    log.push({ groups, until: Infinity });
    this.counts.served++;
  }

  private async changeAudience(): Promise<void> {
    this.audience = this.random() < 0.5 ? [] : this.some();
    const groups = this.idsOf(this.audience);
    await setAudience(this.primary.context, { store: STORE, epoch: 1, catalog: CATALOG, groups });
    this.counts.audience++;
  }

  /** From what the parent believes that the site has, which may be wrong, to what it wants, which may be old. */
  private async prepare(to: LoneSite): Promise<void> {
    const revisions = [...this.history.keys()];
    if (revisions.length === 0) return;
    const target = this.pick(revisions.slice(-3));
    const base = this.random() < 0.5 ? (await readHead(to.db, STORE, CATALOG)).revision : this.pick([0, ...revisions]);
    this.underway.push({ to, document: await this.documentFor(to, base < target ? base : 0, target) });
  }

  private documentFor({ site }: LoneSite, base: number, target: number): Promise<CatalogDocumentReference> {
    return catalogActivities(this.primary.context).prepareCatalogDocument({
      ...{ store: STORE, epoch: 1, catalog: CATALOG, partition: '', site, base, target },
    });
  }

  private async meet(one: Underway): Promise<void> {
    const fate = this.random();
    if (fate < 0.75) this.underway.splice(this.underway.indexOf(one), 1);
    else this.counts.twice++;
    if (fate < 0.15) this.counts.lost++;
    else await this.deliver(one);
  }

  /** Answers what the site has now, and the base that it asks for. */
  private async deliver({ to, document }: Underway): Promise<{ revision: number; takesBase?: number }> {
    const { base, target, partition } = document;
    const before = await readHead(to.db, STORE, CATALOG);
    const answer = await applyCatalog(
      to.context,
      document,
      () => this.fetch(document),
      () => undefined,
    );
    const after = await this.look(to);
    if (after < before.revision) throw new Diverged(`${to.site} went back from ${before.revision} to ${after}`);
    const onItsBase = base === 0 || (base === before.revision && partition === before.partition);
    if (before.revision >= target) this.counts.late++;
    else if (onItsBase) {
      if (after !== target) throw new Diverged(`${to.site} did not take revision ${target} on its own base ${base}`);
      this.counts.taken++;
      this.counts[base === 0 ? 'full' : 'delta']++;
    } else {
      const wanted = partition === before.partition ? before.revision : 0;
      if (answer.takesBase !== wanted || after !== before.revision) {
        throw new Diverged(`${to.site} has ${before.revision} and answered ${JSON.stringify(answer)} to base ${base}`);
      }
      this.counts.refused++;
    }
    return answer;
  }

  private async fetch(document: CatalogDocumentReference): Promise<Readable> {
    return decompressed(openDocumentFile(this.primary.context, STORE, document));
  }

  /** As catalogDelivery does: from what the site says that it has, until it has the newest. */
  private async settle(to: LoneSite): Promise<void> {
    const { revision: newest } = await readHead(this.primary.db, STORE, CATALOG);
    let base = (await readHead(to.db, STORE, CATALOG)).revision;
    for (let tries = 0; (await this.look(to)) < newest; tries++) {
      if (tries > 3) throw new Diverged(`${to.site} does not come to revision ${newest}`);
      const answer = await this.deliver({ to, document: await this.documentFor(to, base, newest) });
      base = answer.takesBase ?? answer.revision;
    }
  }

  /** What the site shows is a published revision, as somebody may see it there who may since that was published. */
  private async look({ site, db }: LoneSite): Promise<number> {
    const { revision } = await readHead(db, STORE, CATALOG);
    if (revision === 0) return revision;
    const rows = await db.all<{ sku: string; price_amount: number; audience: string; group_prices: string | null }>(
      `SELECT sku, price_amount, audience, group_prices FROM item_versions
       WHERE catalog = ? AND from_revision <= ? AND to_revision > ? ORDER BY sku`,
      [CATALOG, revision, revision],
    );
    const found = JSON.stringify(
      rows.map((row) => [row.sku, row.price_amount, row.audience, JSON.parse(row.group_prices ?? '{}') as object]),
    );
    const allowed = (this.served.get(site) ?? []).filter(({ until }) => until > revision);
    const wanted = allowed.map(({ groups }) => JSON.stringify(this.seen(revision, groups)));
    if (!wanted.includes(found)) {
      throw new Diverged(`${site} at ${revision} shows ${found}, where it may show ${wanted.join(' or ')}`);
    }
    return revision;
  }

  /** A revision's items for a site that serves those groups, as its rows are. */
  private seen(revision: number, served: readonly string[]): unknown[] {
    const { items, audience } = this.history.get(revision) as Published;
    const rows: unknown[] = [];
    for (const sku of [...items.keys()].sort()) {
      const { price, groups, prices } = items.get(sku) as Meant;
      const both = audience.length > 0 && groups.length > 0 ? groups.filter((name) => audience.includes(name)) : null;
      const restricted = audience.length > 0 || groups.length > 0;
      const may = (both ?? [...audience, ...groups]).filter((name) => served.includes(name));
      if (restricted && may.length === 0) continue;
      const own = Object.entries(prices).filter(([name]) => served.includes(name));
      const byId = own.map(([name, amount]): [string, number] => [this.ids.get(name) ?? '', amount]);
      const marked = this.idsOf(may).sort();
      rows.push([
        ...[sku, price, marked.length === 0 ? '' : `|${marked.join('|')}|`],
        Object.fromEntries(byId.sort(([a], [b]) => (a < b ? -1 : 1))),
      ]);
    }
    return rows;
  }

  private meant(): Meant {
    const priced = GROUPS.filter(() => this.random() < 0.25);
    return {
      price: 1 + Math.floor(this.random() * 4),
      groups: this.random() < 0.5 ? [] : this.some(),
      prices: Object.fromEntries(priced.map((name) => [name, 1 + Math.floor(this.random() * 4)])),
    };
  }

  private asItem(sku: string, { price, groups, prices }: Meant): CatalogItem {
    const byId = Object.entries(prices).map(([name, amount]): [string, number] => [this.ids.get(name) ?? '', amount]);
    return {
      ...{ sku, description: `Item ${sku}`, price, currency: 'GBP', unitOfMeasure: 'EA', leadTimeDays: 2 },
      ...{ classification: { domain: 'UNSPSC', code: '60000000' }, attributes: {} },
      audience: formatAudience(this.idsOf(groups)),
      ...(byId.length === 0 ? {} : { groupPrices: Object.fromEntries(byId.sort(([a], [b]) => (a < b ? -1 : 1))) }),
    };
  }

  private idsOf(names: readonly string[]): string[] {
    return names.map((name) => this.ids.get(name) ?? '');
  }

  /** One or more groups. */
  private some(): string[] {
    const drawn = GROUPS.filter(() => this.random() < 0.4);
    return drawn.length > 0 ? drawn : [this.pick(GROUPS)];
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }
}
