/** Waiting for something that another process brings about. */
import { setTimeout as delay } from 'node:timers/promises';

const INTERVAL_LEAST_MS = 25;
const INTERVAL_MOST_MS = 250;
/** What takes long is asked for less often, so that asking is not what it waits for. */
const INTERVAL_SHARE = 0.1;
/** Patience, not a measure of speed: machines that test differ by far, and run several tests at once. */
const UNTIL_TIMEOUT_MS = 120_000;

/**
 * Asks until the answer is there (not undefined, not false); the error says what was waited for, and what the last
 * failed `ask` said.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeoutMs = UNTIL_TIMEOUT_MS,
): Promise<T> {
  const begunAt = Date.now();
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    const waited = Date.now() - begunAt;
    if (waited > timeoutMs) {
      const seen = last instanceof Error ? `: ${last.message}` : '';
      throw new Error(`waited ${timeoutMs} ms for ${what}${seen}`, { cause: last });
    }
    await delay(Math.max(INTERVAL_LEAST_MS, Math.min(INTERVAL_MOST_MS, waited * INTERVAL_SHARE)));
  }
}
