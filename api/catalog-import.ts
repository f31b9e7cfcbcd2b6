/** Putting items in the draft, from CSV or JSON. */
import { z } from 'zod';
import { importCatalog } from '../activities/catalog/import';
import { ImportFileError, type ImportFormat } from '../domain/catalog-import';
import { catalogParams } from './catalog-content';
import { requirePrimaryHere } from './primary';
import { Problem } from './problems';
import { type Route, mediaType, route } from './route';
import { flagSchema, moneySchema } from './schemas';

const importSchema = z
  .object({
    read: z.number().int(),
    changed: z.number().int(),
    unchanged: z.number().int(),
    bad: z.number().int(),
    faults: z.array(
      z.object({
        row: z.number().int().describe("The item's number in the file, from 1."),
        line: z.number().int().describe('Where it stands in the file, from 1.'),
        column: z.string().describe("The column's or the member's name."),
        reason: z.string(),
      }),
    ),
    defaults: z.record(z.string(), z.number().int()),
    applied: z.boolean(),
  })
  .meta({ id: 'CatalogImport' });

const IMPORT_FORMAT_OF: Readonly<Record<string, ImportFormat>> = {
  'text/csv': 'csv',
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
};

const textMember = z.string().optional();

/** What an item of an import may say; the rules themselves are in the domain, one set for every format. */
const importedItemSchema = z
  .strictObject({
    sku: z.string(),
    description: z.string(),
    price: z.union([moneySchema, z.string()]).describe('A decimal in quotes, or with its currency as shown.'),
    ...{ currency: textMember, unitOfMeasure: textMember, audience: textMember },
    classification: z.object({ domain: z.string(), code: z.string() }).optional(),
    leadTimeDays: z.number().int().optional(),
    attributes: z.record(z.string(), z.string()).optional(),
    available: z.number().int().optional().describe('Taken, so that what was listed can be imported; means nothing.'),
  })
  .meta({ id: 'ImportedItem' });

const IMPORT_BODIES = {
  'text/csv': z.string().describe('A heading, then one item a line.'),
  'application/json': z.array(importedItemSchema),
  'application/x-ndjson': z.string().describe('One ImportedItem in JSON a line.'),
};

export const catalogImportRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/catalogs/{catalog}/import',
    tag: 'catalog',
    operationId: 'importCatalog',
    summary: 'Put items from CSV or JSON in the draft; a bad one changes nothing unless skipBad is true',
    roles: ['integrator', 'operator'],
    params: catalogParams,
    query: z.strictObject({ skipBad: flagSchema }),
    body: z.undefined(),
    streamBody: IMPORT_BODIES,
    idempotent: false,
    responses: {
      200: { description: 'What the import did.', schema: importSchema },
      422: { description: "Bad rows, or columns that can't be used; nothing was changed." },
      421: { description: 'This is done at the primary.' },
    },
    handle: async (request) => {
      await requirePrimaryHere(request);
      const { context, store, params, query, stream, header } = request;
      try {
        const report = await importCatalog(context, {
          ...{ store: store.store, catalog: params.catalog, source: stream, skipBad: query.skipBad },
          format: IMPORT_FORMAT_OF[mediaType(header('content-type')) ?? ''] ?? 'csv',
        });
        if (report.applied) return { status: 200, body: report };
        const [first] = report.faults;
        const example = first
          ? `; the first: item ${first.row} (line ${first.line}), "${first.column}" ${first.reason}`
          : '';
        const detail = `${report.bad} of ${report.read} rows are bad and nothing was changed${example}: mend them, or skip them with skipBad=true`;
        throw new Problem(422, 'bad-rows', detail, { ...report });
      } catch (error) {
        if (error instanceof ImportFileError) throw new Problem(422, 'bad-file', error.message);
        throw error;
      }
    },
  }),
];
