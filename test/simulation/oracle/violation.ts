/** What must hold and does not; numbers are those of the design's invariants (docs/guarantees.md). */
export type Invariant =
  /** Units are neither made nor lost, and no right is below zero. */
  | 1
  /** An order that a buyer was told about is never lost, and ships at most once. */
  | 2
  /** One cart, one order. */
  | 4
  /** A message taken twice, late or out of order leaves the same state as once, in time, in order. */
  | 5;

export class Violation extends Error {
  constructor(
    readonly invariant: Invariant,
    readonly detail: string,
    /** Skus, orders, carts and transfers that it is about. */
    readonly subjects: readonly string[],
  ) {
    super(`invariant ${invariant}: ${detail}`);
  }
}
