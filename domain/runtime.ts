/**
 * What the rest of the code may not take from the air: time, randomness and ids are passed in,
 * so that the simulation can own them (design, section 11).
 */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
}

export interface Ids {
  /** A UUIDv7: sorts by the time it was made. */
  uuid(): string;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `size` unpredictable bytes. */
  bytes(size: number): Buffer;
}

export interface Runtime {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
}
