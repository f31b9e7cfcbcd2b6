/** Readers of the command line's values: what is not allowed names what is. */
import { InvalidArgumentError } from 'commander';
import { parseTransferId } from '../domain/inventory/rights';

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`give a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** A decimal from the least to below the limit; with no limit any that is not less. */
export function decimal(least: number, below = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < least || value >= below) {
      const limit = below === Number.POSITIVE_INFINITY ? 'on' : `to below ${below}`;
      throw new InvalidArgumentError(`give a number from ${least} ${limit}, such as 0.2.`);
    }
    return value;
  };
}

export function oneOf<T extends string>(allowed: readonly T[]): (text: string) => T {
  return (text) => {
    const found = allowed.find((value) => value === text);
    if (found === undefined) throw new InvalidArgumentError(`allowed: ${allowed.join(', ')}.`);
    return found;
  };
}

export function transferId(text: string): string {
  if (!parseTransferId(text)) {
    throw new InvalidArgumentError('give giver.incarnation.sequence, such as hq.1.7, as "stock transfers" lists it.');
  }
  return text;
}

/** "north=2", one after the other: a number for each name. */
export function numberByName(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const [, name, number] = /^([a-z][a-z0-9-]*)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('give a site and its part, such as north=2.');
  return { ...before, [name]: Number(number) };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 24 * 3600 };

/** "90d", "24h", "30m" or "45s", in seconds. */
export function duration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = UNIT_SECONDS[unit];
  if (count === undefined || seconds === undefined) {
    throw new InvalidArgumentError('give a number and a unit: 90d, 24h, 30m or 45s.');
  }
  return Number(count) * seconds;
}

/** "12" units, "25%" of the last grant, "3d" that the stock should last, "value:0.05", as the API has them. */
export function threshold(text: string): Record<string, number> {
  const [, units, percentage, days, value] =
    /^(?:(\d{1,7})|(\d{1,3}(?:\.\d+)?)%|(\d{1,4}(?:\.\d+)?)d|value:(0(?:\.\d+)?))$/.exec(text) ?? [];
  for (const [kind, number] of Object.entries({ units, percentage, days, value })) {
    if (number !== undefined) return { [kind]: Number(number) };
  }
  throw new InvalidArgumentError('give units, a percentage, days or a chance: 12, 25%, 3d or value:0.05.');
}
