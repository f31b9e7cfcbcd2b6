/** A delivery without an answer for this long is called held, milliseconds; as in the workflows. */
export const HELD_AFTER_MS = 3_000;

/** `since` and `now` are milliseconds UTC. */
export function isHeld(since: number, now: number): boolean {
  return now - since > HELD_AFTER_MS;
}
