/** Items and their changes as the API shows and takes them. */
import { z } from 'zod';
import { type GroupNames, describeAudience } from '../domain/audience';
import { type CatalogItem, SKU_LENGTH_MAX } from '../domain/catalog';
import {
  CHANGE_KINDS,
  type DatedChange,
  DRAFT_DEFAULT,
  type ItemChange,
  type ItemInDraft,
  dueChanges,
  itemChange,
  publishedAt,
  waitingChanges,
} from '../domain/catalog-draft';
import { formatAmount } from '../domain/money';
import { amountSchema, money, moneySchema, nameSchema, time } from './schemas';

export const catalogParams = z.strictObject({ store: nameSchema, catalog: nameSchema });
export const draftParams = catalogParams.extend({ draft: nameSchema });
const skuSchema = z.string().min(1).max(SKU_LENGTH_MAX);
export const draftItemParams = draftParams.extend({ sku: skuSchema });
export const draftQuery = z.strictObject({
  draft: nameSchema.default(DRAFT_DEFAULT).describe('Changes of one draft are published together.'),
});

/** An item's content as the API shows it. */
export const itemShape = {
  sku: z.string(),
  description: z.string(),
  price: moneySchema,
  unitOfMeasure: z.string(),
  classification: z.object({ domain: z.string(), code: z.string() }),
  leadTimeDays: z.number().int(),
  attributes: z.record(z.string(), z.string()),
};

export function shownContent(item: CatalogItem): z.output<z.ZodObject<typeof itemShape>> {
  const { sku, description, unitOfMeasure, classification, leadTimeDays, attributes } = item;
  const price = money(item.price, item.currency);
  return { sku, description, price, unitOfMeasure, classification, leadTimeDays, attributes };
}

/** For those who keep the catalogue, who know its audiences. */
export const keptItemSchema = z
  .object({
    ...itemShape,
    audience: z.string().describe('The user groups that may see it, separated by commas; empty for everyone.'),
    groupPrices: z.record(z.string(), amountSchema).optional().describe('Prices for user groups.'),
  })
  .meta({ id: 'CatalogItem' });

export function keptItem(item: CatalogItem, names: GroupNames): z.output<typeof keptItemSchema> {
  const prices = Object.entries(item.groupPrices ?? {}).map(([id, amount]) => [names.nameOf(id), formatAmount(amount)]);
  return {
    ...shownContent(item),
    audience: describeAudience(item.audience, names),
    ...(prices.length === 0 ? {} : { groupPrices: Object.fromEntries(prices) as Record<string, string> }),
  };
}

const textMember = z.string().optional();

/** What is said of an item; the rules themselves are in the domain, one set for every format. */
const givenShape = {
  description: z.string(),
  price: z.union([moneySchema, z.string()]).describe('A decimal in quotes, or with its currency as shown.'),
  ...{ currency: textMember, unitOfMeasure: textMember, audience: textMember },
  classification: z.object({ domain: z.string(), code: z.string() }).optional(),
  leadTimeDays: z.number().int().optional(),
  attributes: z.record(z.string(), z.string()).optional(),
  groupPrices: z.record(z.string(), z.string()).optional().describe('Prices for user groups, by their names.'),
  priceFrom: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('The price holds from then on; until then the item keeps the one that it has.'),
};
const taken = {
  available: z.number().int().nullable().optional().describe('Taken, so that what was listed can be sent back.'),
};

export const importedItemSchema = z
  .strictObject({
    sku: z.string(),
    ...givenShape,
    ...{ description: textMember, price: givenShape.price.optional() },
    withdraw: z.boolean().optional().describe('The item goes; only its sku is needed.'),
    ...taken,
  })
  .meta({ id: 'ImportedItem' });

export const wholeItemSchema = z.strictObject({ ...givenShape, ...taken }).meta({
  id: 'WholeItem',
  example: { description: 'Jumbo bag red retrospot', price: '1.95', priceFrom: '2026-12-01T00:00:00Z' },
});

export const partialItemSchema = z
  .strictObject({
    ...givenShape,
    ...{ description: textMember, price: givenShape.price.optional() },
    attributes: z.record(z.string(), z.string().nullable()).optional().describe('One that is null goes.'),
  })
  .meta({ id: 'PartialItem', example: { price: '1.95' } });

const fieldChangeSchema = z.object({
  field: z.string().meta({ example: 'price' }),
  before: z.string().nullable(),
  after: z.string().nullable(),
});

export const itemChangeSchema = z
  .object({ sku: z.string(), change: z.enum(CHANGE_KINDS), fields: z.array(fieldChangeSchema) })
  .meta({ id: 'ItemChange' });

export function shownItemChange(
  sku: string,
  before: CatalogItem | null,
  after: CatalogItem | null,
  names: GroupNames,
): ItemChange & { sku: string } {
  return { sku, ...itemChange(before, after, names) };
}

const datedSchema = z
  .object({
    from: z.iso.datetime(),
    price: moneySchema,
    item: keptItemSchema.nullable().describe('The whole item where it is not there before; null for a price alone.'),
  })
  .meta({ id: 'DatedChange' });

function shownDated({ holdsFrom, item, priceOnly }: DatedChange, names: GroupNames): z.output<typeof datedSchema> {
  const price = money(item.price, item.currency);
  return { from: time(holdsFrom), price, item: priceOnly ? null : keptItem(item, names) };
}

/** What the next publication of a draft does to an item, and what waits for its time. */
export const draftChangeSchema = itemChangeSchema
  .extend({
    due: z.array(datedSchema).describe('Held from a time that has come: in the change already.'),
    waiting: z.array(datedSchema),
  })
  .meta({ id: 'DraftChange' });

export function shownDraftChange(
  entry: ItemInDraft,
  now: number,
  names: GroupNames,
): z.output<typeof draftChangeSchema> {
  const { change, fields } = itemChange(entry.published, publishedAt(entry, now), names);
  const dated = (one: DatedChange) => shownDated(one, names);
  return {
    ...{ sku: entry.sku, change, fields: [...fields] },
    due: dueChanges(entry, now).map(dated),
    waiting: waitingChanges(entry, now).map(dated),
  };
}

/** One item of a draft. */
export const draftItemSchema = draftChangeSchema
  .extend({
    draft: z.string(),
    item: keptItemSchema
      .nullable()
      .describe('As the next publication would make it; null where it would not be there.'),
    defaults: z.array(z.string()).describe('What was left out now and has a value that stands in for it.'),
  })
  .meta({ id: 'DraftItem' });
