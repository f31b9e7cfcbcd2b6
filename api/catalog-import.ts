/** Putting items in a draft, from CSV, JSON or cXML. */
import { z } from 'zod';
import { type ImportReport, importCatalog } from '../activities/catalog/import';
import { ImportFileError, type ImportFormat, LOAD_MODES } from '../domain/catalog-import';
import { boundaryOf } from '../domain/multipart';
import { startPush } from './catalog-push';
import { catalogParams, draftQuery, importedItemSchema } from './catalog-schemas';
import { AT_THE_PRIMARY, requirePrimaryHere } from './primary';
import { Problem } from './problems';
import { type Route, mediaType, route } from './route';
import { flagSchema } from './schemas';

const importSchema = z
  .object({
    draft: z.string(),
    mode: z.enum(LOAD_MODES),
    read: z.number().int(),
    changed: z.number().int(),
    unchanged: z.number().int(),
    withdrawn: z.number().int(),
    waiting: z.number().int().describe('Prices, and items, that hold from a time that has not come.'),
    bad: z.number().int(),
    faults: z.array(
      z.object({
        row: z.number().int().describe("The item's number in the file, from 1."),
        line: z.number().int().describe('Where it stands in the file, from 1.'),
        column: z.string().describe("The column's, the member's or the element's name."),
        reason: z.string(),
      }),
    ),
    defaults: z.record(z.string(), z.number().int()),
    ignored: z.record(z.string(), z.number().int()).describe('Elements that an item has no place for, by name.'),
    applied: z.boolean(),
    autoPublish: z.boolean().describe('The document asks to be published at once, which was begun.'),
    workflowId: z.string().nullable().describe('Of the push that was begun.'),
  })
  .meta({ id: 'CatalogImport' });

const MULTIPART = 'multipart/related';

const IMPORT_FORMAT_OF: Readonly<Record<string, ImportFormat>> = {
  'text/csv': 'csv',
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'text/xml': 'cxml',
  'application/xml': 'cxml',
  [MULTIPART]: 'cxml',
};

const INDEX = z
  .string()
  .describe('A cXML Index, alone or in a SubscriptionContentResponse.')
  .meta({
    example:
      '<Index loadmode="Incremental"><SupplierID domain="DUNS">1</SupplierID><IndexItem><IndexItemDelete><ItemID>' +
      '<SupplierPartID>none</SupplierPartID></ItemID></IndexItemDelete></IndexItem></Index>',
  });

const IMPORT_BODIES = {
  'text/csv': z.string().describe('A heading, then one item a line.'),
  'application/json': z.array(importedItemSchema),
  'application/x-ndjson': z.string().describe('One ImportedItem in JSON a line.'),
  'text/xml': INDEX,
  'application/xml': INDEX,
  [MULTIPART]: z.string().describe('A cXML CatalogUploadRequest, and the Index that its Attachment names by cid:.'),
};

const importQuery = draftQuery.extend({
  skipBad: flagSchema,
  mode: z
    .enum(LOAD_MODES)
    .optional()
    .describe(
      'full: what the file does not name is withdrawn; partial: an item that is there keeps what its row leaves out; ' +
        "as the Index's loadmode says unless given, else incremental.",
    ),
});

export const catalogImportRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/catalogs/{catalog}/import',
    tag: 'catalog',
    operationId: 'importCatalog',
    summary: 'Put items from CSV, JSON or cXML in a draft; a bad one changes nothing unless skipBad is true',
    roles: ['integrator', 'operator'],
    params: catalogParams,
    query: importQuery,
    body: z.undefined(),
    streamBody: IMPORT_BODIES,
    idempotent: false,
    responses: {
      200: { description: 'What the import did.', schema: importSchema },
      422: { description: "Bad rows, or a file that can't be used; nothing was changed." },
      ...AT_THE_PRIMARY,
    },
    handle: async (request) => {
      const topology = await requirePrimaryHere(request);
      const { context, store, params, query, stream, header } = request;
      const { catalog } = params;
      try {
        const report = await importCatalog(context, {
          ...{ store: store.store, catalog, draft: query.draft, source: stream, skipBad: query.skipBad },
          ...{ mode: query.mode ?? null, ...formatOf(header('content-type') ?? '') },
        });
        if (!report.applied) throw badRows(report);
        const push = report.autoPublish ? await startPush(request, { catalog, draft: query.draft, topology }) : null;
        const workflowId = (push?.body as { workflowId: string } | undefined)?.workflowId ?? null;
        return { status: 200, body: { ...report, workflowId } };
      } catch (error) {
        if (error instanceof ImportFileError) throw new Problem(422, 'bad-file', error.message);
        throw error;
      }
    },
  }),
];

function formatOf(contentType: string): { format: ImportFormat; boundary?: string } {
  const type = mediaType(contentType) ?? '';
  const format = IMPORT_FORMAT_OF[type] ?? 'csv';
  if (type !== MULTIPART) return { format };
  const boundary = boundaryOf(contentType);
  if (boundary === null) throw new ImportFileError('the Content-Type multipart/related names no boundary');
  return { format, boundary };
}

function badRows(report: ImportReport): Problem {
  const [first] = report.faults;
  const example = first ? `; the first: item ${first.row} (line ${first.line}), "${first.column}" ${first.reason}` : '';
  const detail = `${report.bad} of ${report.read} rows are bad and nothing was changed${example}: mend them, or skip them with skipBad=true`;
  return new Problem(422, 'bad-rows', detail, { ...report });
}
