/** What a cart takes and shows. */
import { z } from 'zod';
import { COMMENTS_LENGTH_MAX, type Cart, TERMS_DAYS_MAX, formatLineId, missingParts } from '../domain/carts';
import { isXmlText } from '../cxml/writer';
import { SKU_LENGTH_MAX } from '../domain/catalog';
import { isCountry } from '../domain/countries';
import { type Address, LINE_QUANTITY_MAX, type Payment } from '../domain/orders';
import { money, moneySchema, nameSchema, uuidSchema } from './schemas';

/** Longest line of an address, a name or a reference, characters. */
const TEXT_LENGTH_MAX = 200;
/** Lines of one address that are streets, or persons. */
const ADDRESS_LINES_MAX = 5;
/** Longest payment token, characters. */
const TOKEN_LENGTH_MAX = 500;
/** Lines that one call may add. */
const LINES_ADDED_MAX = 200;

// Everything a buyer writes ends in an XML document, which can't hold every character.
const text = (max: number) =>
  z.string().trim().min(1).max(max).refine(isXmlText, "holds a character that XML can't: remove control characters");

const personName = text(TEXT_LENGTH_MAX).meta({ example: 'Ada Buyer' });

const addressInput = z.strictObject({
  name: personName,
  deliverTo: z.array(text(TEXT_LENGTH_MAX)).max(ADDRESS_LINES_MAX).default([]),
  street: z
    .array(text(TEXT_LENGTH_MAX).meta({ example: '1 High Street' }))
    .min(1)
    .max(ADDRESS_LINES_MAX),
  city: text(TEXT_LENGTH_MAX).meta({ example: 'York' }),
  state: text(TEXT_LENGTH_MAX).nullable().default(null),
  postalCode: text(TEXT_LENGTH_MAX).nullable().default(null),
  countryCode: z
    .string()
    .length(2)
    .refine(isCountry, 'must be a country of ISO 3166-1, as in "GB"')
    .meta({ example: 'GB' }),
  email: z.email().nullable().default(null),
  phone: text(TEXT_LENGTH_MAX).nullable().default(null),
});

const paymentInput = z.discriminatedUnion('method', [
  z.strictObject({
    method: z.literal('account'),
    termsDays: z.number().int().min(0).max(TERMS_DAYS_MAX).meta({ example: 30 }),
    reference: text(TEXT_LENGTH_MAX).nullable().default(null),
  }),
  z.strictObject({
    method: z.literal('token'),
    provider: text(TEXT_LENGTH_MAX),
    token: text(TOKEN_LENGTH_MAX),
  }),
]);

/** What a buyer may set with one PATCH; what is left out stays as it is. */
export const cartDetails = z.strictObject({
  buyer: z.strictObject({ name: personName, email: z.email().nullable().default(null) }).optional(),
  shipTo: addressInput.optional(),
  billTo: addressInput.nullable().optional().describe('null: the bill goes where the goods go.'),
  shippingMethod: z.string().max(TEXT_LENGTH_MAX).meta({ example: 'standard' }).optional(),
  payment: paymentInput.optional(),
  comments: z
    .string()
    .max(COMMENTS_LENGTH_MAX)
    .refine(isXmlText, "holds a character that XML can't: remove control characters")
    .nullable()
    .optional(),
});

const quantity = z.number().int().min(1).max(LINE_QUANTITY_MAX);

export const newLines = z.strictObject({
  lines: z
    .array(z.strictObject({ sku: z.string().min(1).max(SKU_LENGTH_MAX).meta({ example: '10002' }), quantity }))
    .min(1)
    .max(LINES_ADDED_MAX),
});
export const newQuantity = z.strictObject({ quantity });

export const newCart = z.strictObject({
  buyerId: text(TEXT_LENGTH_MAX).optional().describe('Yours; a guest gets an opaque one.'),
  catalog: nameSchema.optional(),
});

const lineSchema = z.object({
  lineId: z.string(),
  sku: z.string(),
  quantity: z.number().int(),
  price: moneySchema,
  amount: moneySchema,
});

export const cartSchema = z
  .object({
    cartId: uuidSchema,
    buyerId: z.string(),
    status: z.enum(['I', 'closed', 'C']),
    version: z.number().int(),
    catalog: z.string(),
    buyer: z.object({ name: z.string(), email: z.string().nullable() }).nullable(),
    shipTo: z.record(z.string(), z.unknown()).nullable(),
    billTo: z.record(z.string(), z.unknown()).nullable(),
    shippingMethod: z.string().nullable(),
    payment: z.record(z.string(), z.unknown()).nullable(),
    comments: z.string().nullable(),
    lines: z.array(lineSchema),
    subtotal: moneySchema,
    missing: z.array(z.string()).describe('What is needed before it can be ordered.'),
    orderId: z.string().nullable(),
  })
  .meta({ id: 'Cart' });

export function shownCart(cart: Cart, orderId: string | null): z.output<typeof cartSchema> {
  const { cartId, buyerId, status, version, catalog, buyer, shippingMethod, comments, currency } = cart;
  const subtotal = cart.lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
  return {
    ...{ cartId, buyerId, status, version, catalog, buyer, shippingMethod, comments, orderId },
    shipTo: plain(cart.shipTo),
    billTo: plain(cart.billTo),
    payment: plain(cart.payment),
    lines: cart.lines.map((line) => ({
      lineId: formatLineId(line),
      ...{ sku: line.sku, quantity: line.quantity },
      price: money(line.price, currency),
      amount: money(line.price * line.quantity, currency),
    })),
    subtotal: money(subtotal, currency),
    missing: missingParts(cart),
  };
}

function plain(value: Address | Payment | null): Record<string, unknown> | null {
  return value === null ? null : { ...value };
}
