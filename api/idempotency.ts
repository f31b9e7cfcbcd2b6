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
  { db, runtime }: SiteContext,
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
  let given: PlainAnswer;
  try {
    given = await answer();
  } catch (error) {
    await releaseIdempotencyKey(db, key);
    throw error;
  }
  if (given.status >= 500) await releaseIdempotencyKey(db, key);
  else await storeIdempotentAnswer(db, key, given);
  return given;
}
