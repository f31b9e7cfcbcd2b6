/** The demo's seeded choices. Pure: the same seed gives the same buyers. */

export const LAST_UNITS = 50;
export const LAST_UNITS_BUYERS = 200;
/** Sales that every secondary must have accepted while the primary's process was gone. */
export const SALES_WHILE_GONE_MIN = 20;
/** Part of the day's orders after which the primary is killed. */
export const KILL_AFTER_SHARE = 0.35;
/** Buyers at a site at a time. */
export const BUYERS_AT_ONCE = 4;

/** The item that is kept scarce: one that nobody buys on the day. */
export function chooseScarceItem(skus: readonly string[], bought: ReadonlySet<string>, random: () => number): string {
  const candidates = skus.filter((sku) => !bought.has(sku));
  const chosen = candidates[Math.floor(random() * candidates.length)];
  if (chosen === undefined)
    throw new Error(`all of the ${skus.length} items are bought on the day: none can be kept scarce`);
  return chosen;
}

/** Runs `work` over `items`, `width` at a time, in their order. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
