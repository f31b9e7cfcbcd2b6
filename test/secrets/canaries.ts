/** Texts that stand for secrets and for persons' data: each is made once and can be nowhere by chance. */

/** Letters of a mark: enough never to be met by chance, short enough to survive being cut. */
const MARK_LENGTH = 16;

export function mark(): string {
  return Array.from({ length: MARK_LENGTH }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26))).join('');
}

export class Canaries {
  private readonly planted = new Map<string, string | Buffer>();

  /** A text around a mark; both are searched for, the mark alone in case the text is cut or rewritten. */
  text(name: string, around: (mark: string) => string = (plain) => plain): string {
    const core = mark();
    const whole = around(core);
    this.planted.set(`${name}: its mark`, core);
    if (whole !== core) this.planted.set(name, whole);
    return whole;
  }

  /** What was made elsewhere: a key, a token. */
  add<Value extends string | Buffer>(name: string, value: Value): Value {
    this.planted.set(name, value);
    return value;
  }

  all(): ReadonlyMap<string, string | Buffer> {
    return this.planted;
  }
}

/** A buyer as a cart takes one, in characters that every encoding writes in its own way. */
export function plantBuyer(canaries: Canaries, who: string) {
  const odd = (mark: string) => `Zoë "${mark}" O'Brien & Söhne`;
  const email = canaries.text(`${who}'s e-mail`, (mark) => `${mark}@buyer.example`);
  const address = (kind: string) => ({
    name: canaries.text(`${who}'s ${kind} name`, odd),
    deliverTo: [canaries.text(`${who}'s ${kind} deliverTo`, odd)],
    street: [canaries.text(`${who}'s ${kind} street`, (mark) => `${mark}straße 5/2`)],
    city: canaries.text(`${who}'s ${kind} city`, (mark) => `Köln ${mark}`),
    state: canaries.text(`${who}'s ${kind} state`),
    postalCode: canaries.text(`${who}'s ${kind} postal code`),
    countryCode: 'GB',
    email,
    phone: canaries.text(`${who}'s ${kind} phone`, (mark) => `+44 (0)20 ${mark}`),
  });
  return {
    buyerId: canaries.text(`${who}'s id`),
    details: {
      buyer: { name: canaries.text(`${who}'s name`, odd), email },
      shipTo: address('shipping'),
      billTo: address('billing'),
      shippingMethod: 'standard',
      payment: {
        method: 'token',
        provider: 'acme',
        token: canaries.text(`${who}'s payment token`, (m) => `tok/${m}+=`),
      },
      comments: canaries.text(`${who}'s comment`, (mark) => `please ring at <${mark}>\nthank you`),
    },
  };
}
