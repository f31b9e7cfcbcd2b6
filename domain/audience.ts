/**
 * Who may see an item, and at which price: user groups (design, sections 2, 3 and 5). Everywhere but at the primary a
 * group is an opaque id; its name never leaves the site that gave it.
 */
import { type CatalogItem, EVERYONE } from './catalog';
import { type Amount } from './money';

/** `g` and eight characters of base32. */
export const GROUP_ID_PATTERN = /^g[a-z2-7]{8}$/;

/** Groups of one item, one catalogue or one site: what their ids take must go into one column. */
export const GROUPS_MAX = 24;

const EDGE = '|';
/** In place of an audience that nobody belongs to: everyone is what the empty one means. */
const NOBODY = `${EDGE}-${EDGE}`;

/** `|id|id|`, in order, so that a group is found in it as `|id|`; empty for everyone. */
export function formatAudience(groups: readonly string[]): string {
  // Of a million items few have any.
  if (groups.length === 0) return EVERYONE;
  const ids = [...new Set(groups)].sort();
  return EDGE + ids.join(EDGE) + EDGE;
}

/** The ids in an audience; none for everyone's. */
export function groupsIn(audience: string): string[] {
  if (audience === EVERYONE) return [];
  return audience.split(EDGE).filter((id) => id !== '' && id !== '-');
}

/** How a group is found in an audience. */
export function groupMark(group: string): string {
  return EDGE + group + EDGE;
}

/** Whoever looks: the groups that they belong to, or `all` for those who keep the catalogue. */
export type Viewer = readonly string[] | 'all';

/** A buyer of no group. */
export const PUBLIC: Viewer = [];

export function maySee(viewer: Viewer, audience: string): boolean {
  return viewer === 'all' || audience === EVERYONE || viewer.some((group) => audience.includes(groupMark(group)));
}

/** An item is for the groups that its catalogue is for, and of these for those that are its own. */
export function narrowed(ofCatalog: string, ofItem: string): string {
  if (ofCatalog === EVERYONE) return ofItem;
  if (ofItem === EVERYONE) return ofCatalog;
  const both = groupsIn(ofItem).filter((group) => ofCatalog.includes(groupMark(group)));
  return both.length === 0 ? NOBODY : formatAudience(both);
}

/** The part of an audience that a site hears of which serves those groups: no other group is named. */
export function heardOf(audience: string, served: readonly string[]): string {
  if (audience === EVERYONE) return EVERYONE;
  const heard = served.filter((group) => audience.includes(groupMark(group)));
  return heard.length === 0 ? NOBODY : formatAudience(heard);
}

/**
 * An item as a site gets it that serves those groups: without other groups and their prices; null where none of them may
 * see it. `ofCatalog` is the catalogue's own audience.
 */
export function seenBy(item: CatalogItem, served: readonly string[], ofCatalog = EVERYONE): CatalogItem | null {
  if (ofCatalog === EVERYONE && item.audience === EVERYONE && item.groupPrices === undefined) return item;
  const audience = heardOf(narrowed(ofCatalog, item.audience), served);
  if (audience === NOBODY) return null;
  const { groupPrices = {}, ...rest } = item;
  const prices = Object.entries(groupPrices).filter(([group]) => served.includes(group));
  return { ...rest, audience, ...(prices.length === 0 ? {} : { groupPrices: Object.fromEntries(prices) }) };
}

/** What a buyer pays: the lowest of the prices for their groups, else the price for everyone. */
export function priceFor({ price, groupPrices = {} }: CatalogItem, viewer: Viewer): Amount {
  if (viewer === 'all') return price;
  const own = viewer.flatMap((group) => groupPrices[group] ?? []);
  return own.length === 0 ? price : Math.min(...own);
}

/** Names and ids of a store's groups, as the primary knows them; elsewhere ids stand for themselves. */
export class GroupNames {
  private readonly ids: ReadonlyMap<string, string>;
  private readonly names: ReadonlyMap<string, string>;

  constructor(groups: readonly { readonly id: string; readonly name: string }[] = []) {
    this.ids = new Map(groups.map(({ id, name }) => [name, id]));
    this.names = new Map(groups.map(({ id, name }) => [id, name]));
  }

  nameOf(id: string): string {
    return this.names.get(id) ?? id;
  }

  /** By name or id; undefined for what is neither. */
  idOf(nameOrId: string): string | undefined {
    return this.ids.get(nameOrId) ?? (this.names.has(nameOrId) ? nameOrId : undefined);
  }

  /** For an error: what there is. */
  describe(): string {
    const known = [...this.ids.keys()];
    return known.length === 0 ? 'the store has none yet' : `known: ${known.join(', ')}`;
  }
}

/** `gold, silver` of an audience, as those who keep the catalogue read and write it; empty for everyone. */
export function describeAudience(audience: string, names: GroupNames): string {
  return audience === NOBODY
    ? 'nobody'
    : groupsIn(audience)
        .map((id) => names.nameOf(id))
        .join(', ');
}
