/** A delivery without an answer for this long is called held, milliseconds; as in the workflows. */
export const HELD_AFTER_MS = 3_000;

/** `since` and `now` are milliseconds UTC. */
export function isHeld(since: number, now: number): boolean {
  return now - since > HELD_AFTER_MS;
}

/** Bytes of a document that a site takes in a millisecond at least, where buyers never stop coming. */
const TAKEN_BYTES_PER_MS = 1_500;

/** As HELD_AFTER_MS for a document of so many bytes: a large one is not called held while it is being taken. */
export function documentHeldAfterMs(bytes: number): number {
  return HELD_AFTER_MS + Math.ceil(bytes / TAKEN_BYTES_PER_MS);
}
