/**
 * Money as integers of 1/10,000 of the currency's unit, so that sums are exact on every engine.
 * `Amount` 125000 with currency GBP is 12.50 pounds.
 */
export type Amount = number;

/** Parts of a currency unit that an amount counts. */
export const AMOUNT_SCALE = 10_000;
const AMOUNT_DECIMALS = 4;
/** Largest amount that is accepted, in 1/10,000: keeps any sum of 10,000 lines a safe integer. */
export const AMOUNT_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 10_000);

const DECIMAL = /^(\d{1,12})(?:\.(\d{1,4}))?$/;

/** Reads a plain decimal string ("12.5"); null when it is not one, is negative, or has more than four decimals. */
export function parseAmount(text: string): Amount | null {
  const match = DECIMAL.exec(text);
  if (!match) return null;
  const amount = Number(match[1]) * AMOUNT_SCALE + Number((match[2] ?? '').padEnd(AMOUNT_DECIMALS, '0'));
  return amount <= AMOUNT_MAX ? amount : null;
}

/** Writes an amount as a decimal string with at least two decimals ("12.50", "0.0125"). */
export function formatAmount(amount: Amount): string {
  if (!Number.isSafeInteger(amount)) throw new RangeError(`amount ${amount} is not a safe integer of 1/10,000`);
  const sign = amount < 0 ? '-' : '';
  const digits = String(Math.abs(amount)).padStart(AMOUNT_DECIMALS + 1, '0');
  const whole = digits.slice(0, -AMOUNT_DECIMALS);
  const fraction = digits.slice(-AMOUNT_DECIMALS).replace(/0{1,2}$/, '');
  return `${sign}${whole}.${fraction}`;
}

/** True for a code of ISO 4217 that the platform's own currency table knows. */
export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code);
}

const CURRENCIES = new Set(Intl.supportedValuesOf('currency'));
