/** Card numbers are never taken, kept or sent; this finds what looks like one. */

// A run inside a longer word (a UUID, a provider's token) is not one.
const CANDIDATE = /(?<![\w-])\d(?:[ -]?\d){11,18}(?![\w-])/g;

/** The first run of 12 to 19 digits (spaces and dashes between them allowed) that passes Luhn's check; or null. */
export function findCardNumber(text: string): string | null {
  for (const [candidate] of text.matchAll(CANDIDATE)) {
    if (passesLuhn(candidate.replace(/\D/g, ''))) return candidate;
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
