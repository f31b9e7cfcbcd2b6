/** Card numbers are never taken, kept or sent; this finds what looks like one. */

/** Digits of a card number (ISO/IEC 7812-1). */
const DIGITS_MIN = 12;
const DIGITS_MAX = 19;

/** Ids in hexadecimal pass Luhn's check by chance: they are not card numbers. */
const UUIDS = /\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/gi;
const HEXADECIMAL = /(?<![^\W_])(?=[\da-f]*[a-f])[\da-f]+(?![^\W_])/gi;
/** Groups of digits, with at most one space, dash or dot between them. */
const GROUPED = /\d+(?:[ .-]\d+)*/g;

/**
 * The first 12 to 19 digits that pass Luhn's check, be they whole, in groups, within a word, or beside an expiry date;
 * null when there are none.
 */
export function findCardNumber(text: string): string | null {
  for (const [run] of text.replace(UUIDS, '#').replace(HEXADECIMAL, '#').matchAll(GROUPED)) {
    const found = findInGroups(run.split(/[ .-]/));
    if (found !== null) return found;
  }
  return null;
}

/** A number begins and ends with a group: any digits out of the middle of a longer number would pass too often. */
function findInGroups(groups: readonly string[]): string | null {
  for (let first = 0; first < groups.length; first++) {
    let digits = '';
    for (let last = first; last < groups.length && digits.length <= DIGITS_MAX; last++) {
      digits += groups[last] ?? '';
      const long = digits.length >= DIGITS_MIN && digits.length <= DIGITS_MAX;
      if (long && passesLuhn(digits)) return digits;
    }
  }
  return null;
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = place % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
