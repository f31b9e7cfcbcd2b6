/** Schemas that several capabilities share. */
import { z } from 'zod';
import { type Amount, formatAmount, isCurrency, parseAmount } from '../domain/money';
import { NAME_PATTERN } from '../domain/sites';
import { Problem } from './problems';

/** Most entries of one page. */
export const PAGE_LIMIT_MAX = 200;
const PAGE_LIMIT_DEFAULT = 50;
/** Longest cursor, characters. */
const CURSOR_LENGTH_MAX = 1000;
/** Largest unsigned value of a path or query number. */
const ID_LENGTH_MAX = 255;

export const nameSchema = z.string().regex(NAME_PATTERN, 'must be a name of 1 to 32 of a-z, 0-9 and "-"');
export const uuidSchema = z.uuid();
export const idSchema = z.string().min(1).max(ID_LENGTH_MAX);

export const storeParams = z.strictObject({ store: nameSchema });
export const noQuery = z.strictObject({});
export const noBody = z.strictObject({}).optional();

/** A query's yes or no. */
export const flagSchema = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true');

export const pageQuery = z.strictObject({
  after: z.string().max(CURSOR_LENGTH_MAX).optional().describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
});

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable().describe('Ask for it with `after`.') });
}

export const amountSchema = z
  .string()
  .refine((text) => parseAmount(text) !== null, 'must be a decimal of at most four places, for example "12.50"')
  .meta({ example: '12.50' });
export const currencySchema = z.string().refine(isCurrency, 'must be a currency of ISO 4217').meta({ example: 'GBP' });

export const moneySchema = z.object({ amount: amountSchema, currency: currencySchema }).meta({ id: 'Money' });

export function money(amount: Amount, currency: string): z.output<typeof moneySchema> {
  return { amount: formatAmount(amount), currency };
}

/** ISO 8601 in UTC, as every time is written. */
export function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

export function timeOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : time(milliseconds);
}

export const problemSchema = z
  .looseObject({
    type: z.url(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    requestId: z.string().optional(),
  })
  .meta({ id: 'Problem' });

/** A cursor is opaque to clients: base64url of JSON. */
export function writeCursor(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Reads a cursor by its schema; null for one that this API did not write. */
export function readCursor<T extends z.ZodType>(text: string, schema: T): z.output<T> | null {
  try {
    const parsed = schema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** As readCursor; one that this API did not write is a problem. */
export function requireCursor<T extends z.ZodType>(text: string, schema: T): z.output<T> {
  const cursor = readCursor(text, schema);
  if (cursor !== null) return cursor;
  throw new Problem(400, 'invalid-cursor', `"${text}" is no cursor of this list: leave it out to begin anew`);
}
