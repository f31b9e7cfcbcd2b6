/** Texts that may hold a secret, without it. */

/** Up to the last "@": a password may hold one that nobody has encoded. */
const PASSWORD_IN_URL = /([a-z][a-z0-9+.-]*:\/\/[^\s:@/?#]*):\S*@/gi;
const API_KEY = /\b(ek_[A-Za-z0-9]{12})_[A-Za-z0-9_-]{43}/g;
const SECRET = '(secret)';

/** `mysql://user:(secret)@host:port/name`, `ek_<key id>_(secret)`. */
export function withoutSecrets(text: string): string {
  return text.replace(PASSWORD_IN_URL, `$1:${SECRET}@`).replace(API_KEY, `$1_${SECRET}`);
}
