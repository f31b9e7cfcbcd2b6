/** Idempotency-Key: the same request sent twice is done once and answered twice (design, section 7). */
import { createHash } from 'node:crypto';
import { type SiteContext } from '../activities/context';
import {
  type IdempotencyKey,
  claimIdempotencyKey,
  releaseIdempotencyKey,
  storeIdempotentAnswer,
} from '../db/idempotency';
import { Problem } from './problems';

export interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const KEY_FORM = /^[\x21-\x7e]{1,255}$/;
const RETRY_AFTER_S = 1;

/** Runs `answer` once per store, key and route; 5xx answers and thrown errors are not kept. */
export async function onceByKey(
  { db, runtime, log }: SiteContext,
  store: string,
  header: string,
  route: string,
  body: Buffer,
  answer: () => Promise<PlainAnswer>,
): Promise<PlainAnswer> {
  if (!KEY_FORM.test(header)) {
    throw new Problem(
      400,
      'idempotency-key',
      'Idempotency-Key must be 1 to 255 visible ASCII characters, without spaces',
    );
  }
  const bodyDigest = createHash('sha256').update(body).digest('hex');
  const key: IdempotencyKey = { store, key: header, route, bodyDigest };
  const claim = await claimIdempotencyKey(db, key, runtime.clock.now());
  if (claim.state === 'answered') {
    return { ...claim.answer, headers: { ...claim.answer.headers, 'Idempotency-Replayed': 'true' } };
  }
  if (claim.state === 'other-body') {
    const detail = `Idempotency-Key "${header}" was used with another body: use a new key for a new request`;
    throw new Problem(422, 'idempotency-key-reused', detail);
  }
  if (claim.state === 'in-flight') {
    const detail = `the first request with Idempotency-Key "${header}" is still under way: ask again in a moment`;
    throw new Problem(409, 'idempotency-in-flight', detail, {}, { 'Retry-After': String(RETRY_AFTER_S) });
  }
  const mine = { ...key, since: claim.since };
  // Whatever becomes of the key, the work is done or has failed, and that is what the caller is told; a key that could
  // not be settled is taken over when its lease is up.
  const settle = (settling: Promise<void>) =>
    settling.catch((error: unknown) => log.warn({ store, route, error: String(error) }, 'an Idempotency-Key is left'));
  let given: PlainAnswer;
  try {
    given = await answer();
  } catch (error) {
    await settle(releaseIdempotencyKey(db, mine));
    throw error;
  }
  await settle(given.status >= 500 ? releaseIdempotencyKey(db, mine) : storeIdempotentAnswer(db, mine, given));
  return given;
}
