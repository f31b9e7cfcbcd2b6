/** Units by item. */
export type Units = ReadonlyMap<string, number>;

export function plus(sums: Map<string, number>, units: Iterable<readonly [string, number]>, sign: 1 | -1 = 1): void {
  for (const [sku, quantity] of units) sums.set(sku, (sums.get(sku) ?? 0) + sign * quantity);
}

export function same(left: Units, right: Units): boolean {
  return left.size === right.size && [...left].every(([sku, quantity]) => right.get(sku) === quantity);
}

export function show(units: Units): string {
  return [...units].map(([sku, quantity]) => `${quantity} × ${sku}`).join(', ') || 'nothing';
}

export function unitsOf(rows: readonly { readonly sku: string; readonly quantity: number }[]): Map<string, number> {
  const sums = new Map<string, number>();
  plus(
    sums,
    rows.map(({ sku, quantity }) => [sku, quantity] as const),
  );
  return sums;
}
