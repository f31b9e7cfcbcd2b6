/** Waiting for something that another process brings about. */
import { setTimeout as delay } from 'node:timers/promises';

const INTERVAL_MS = 25;
export const UNTIL_TIMEOUT_MS = 45_000;

/**
 * Asks until the answer is there (not undefined, not false); the error says what was waited for, and what the last
 * failed `ask` said.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeoutMs = UNTIL_TIMEOUT_MS,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const seen = last instanceof Error ? `: ${last.message}` : '';
      throw new Error(`waited ${timeoutMs} ms for ${what}${seen}`, { cause: last });
    }
    await delay(INTERVAL_MS);
  }
}
