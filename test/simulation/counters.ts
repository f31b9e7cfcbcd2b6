/** How often each rare case has happened. A case that a run has not met says nothing about it. */
export const RARE_CASES = [
  'crash at a statement',
  'crash before COMMIT',
  'crash after COMMIT',
  'COMMIT without an answer, undone',
  'COMMIT without an answer, done',
  'engine busy',
  'disk full',
  'transactions in one COMMIT',
  'stall',
  'duplicate',
  'late attempt beside its successor',
  'time-out of an attempt',
  'reorder',
  'request lost',
  'answer lost',
  'cut during a transfer',
  'one-way cut',
  'Temporal away',
  'restore',
  'restore with a transfer on its way',
  'restore of the root',
  'sale refused',
  'sale asked again',
  'sale answered as before',
  'two orders of one cart',
  'return',
  'workflow held',
  'batch offered again',
  'inbox swept',
  'request came twice',
  'void',
  'void came too late',
  'borrowed from another site',
  'update',
  'update was short',
  'replenished',
  'primary away',
  'reservation went back',
] as const;

export type RareCase = (typeof RARE_CASES)[number];

export class Counters {
  readonly counts = new Map<RareCase, number>(RARE_CASES.map((name) => [name, 0]));

  happened(name: RareCase): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  add(other: Counters): void {
    for (const [name, count] of other.counts) this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }
}
