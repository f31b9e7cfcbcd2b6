/** `entrepot catalog import|push|status|search`. */
import { createReadStream, existsSync } from 'node:fs';
import { extname } from 'node:path';
import { type ImportFormat, type LoadMode } from '../domain/catalog-import';
import { ApiProblem } from './api-client';
import { failed, wrongUsage } from './exit-codes';
import { formatCount, formatTime, print, printJson, printList, progress } from './output';
import { type ImportFault, type ImportReport, type ItemSearch, SiteApi } from './site-api';
import { resolveTarget } from './target';
import { type TargetOptions } from './target-options';
import { waitForWorkflow } from './trial/first-start';

export type CatalogOptions = TargetOptions & { readonly catalog: string };
export type DraftOptions = CatalogOptions & { readonly draft: string };

/** What the name of a file says of its format. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.ndjson': 'application/x-ndjson',
  '.jsonl': 'application/x-ndjson',
  '.xml': 'text/xml',
  '.cxml': 'text/xml',
};

export type ImportOptions = DraftOptions & {
  readonly skipBad?: boolean;
  readonly format?: ImportFormat;
  readonly mode?: LoadMode;
};

export async function runCatalogImport(file: string, options: ImportOptions): Promise<void> {
  if (file !== '-' && !existsSync(file)) throw wrongUsage(`${file} does not exist: name a file of items, or "-"`);
  const contentType = CONTENT_TYPES[options.format === undefined ? extname(file).toLowerCase() : `.${options.format}`];
  if (contentType === undefined && file !== '-') {
    throw wrongUsage(`is ${file} CSV, JSON or cXML? say so with --format csv, json, ndjson or cxml`);
  }
  const api = new SiteApi(resolveTarget(options).target);
  const source = file === '-' ? process.stdin : createReadStream(file);
  const { draft, mode, skipBad = false } = options;
  const imported = api.importCatalog(options.catalog, source, contentType ?? 'text/csv', { draft, mode, skipBad });
  const report = await imported.catch((error: unknown) => {
    if (!(error instanceof ApiProblem) || error.slug !== 'bad-rows') throw error;
    const { faults } = error.problem as unknown as ImportReport;
    throw failed([error.message, ...faults.map(describeFault)].join('\n'), error);
  });
  if (options.json) printJson(report);
  else print(describeImport(options, report));
}

function describeImport({ catalog, draft }: DraftOptions, report: ImportReport): string {
  const { read, changed, unchanged, withdrawn, waiting, bad, faults, defaults, ignored, workflowId } = report;
  const counts = `${formatCount(read)} items: ${formatCount(changed)} changed, ${formatCount(unchanged)} unchanged`;
  const others = `${formatCount(withdrawn)} withdrawn, ${formatCount(waiting)} waiting for their date`;
  return [
    `draft ${draft} of ${catalog}: ${counts}, ${others}, ${formatCount(bad)} bad and left out`,
    ...faults.map(describeFault),
    ...counted(defaults, (name, times) => `  "${name}": a default stood in ${times} times`),
    ...counted(ignored, (name, times) => `  "${name}": stood there ${times} times, and an item has no place for it`),
    ...(workflowId === null ? [] : [`the file asks to be published at once: ${workflowId}`]),
  ].join('\n');
}

function counted(
  counts: Readonly<Record<string, number>>,
  describe: (name: string, times: string) => string,
): string[] {
  return Object.entries(counts).map(([name, times]) => describe(name, formatCount(times)));
}

function describeFault({ row, line, column, reason }: ImportFault): string {
  return `  item ${row} (line ${line}), "${column}": ${reason}`;
}

export async function runCatalogPush(options: DraftOptions & { wait: boolean }): Promise<void> {
  const api = new SiteApi(resolveTarget(options).target);
  const started = await api.pushCatalog(options.catalog, options.draft);
  if (!options.wait) {
    if (options.json) printJson(started);
    else print(`push asked for: ${started.id}\nTemporal UI: ${started.page}`);
    return;
  }
  progress(`waiting for the sites to confirm; Temporal UI: ${started.page}`);
  const run = await waitForWorkflow(api, started.id, progress, 'catalogue push');
  if (options.json) printJson(run);
  else await runCatalogStatus(options);
}

export async function runCatalogStatus(options: CatalogOptions): Promise<void> {
  const api = new SiteApi(resolveTarget(options).target);
  const status = await api.catalogStatus(options.catalog);
  if (!options.json) {
    print(`catalogue ${options.catalog}: revision ${status.revision}, ${formatCount(status.itemCount)} items`);
  }
  printList(
    options.json,
    status,
    ['site', 'state', 'confirmed', 'wanted', 'held since', 'reason', 'Temporal UI'],
    status.items.map((delivery) => [
      delivery.site,
      delivery.state,
      delivery.revision,
      delivery.target,
      formatTime(delivery.heldSince),
      delivery.reason,
      delivery.temporalUi,
    ]),
    'delivered to no site from here',
  );
}

export type SearchOptions = CatalogOptions & Omit<ItemSearch, 'q'> & { readonly limit: number };

export async function runCatalogSearch(words: readonly string[], options: SearchOptions): Promise<void> {
  const api = new SiteApi(resolveTarget(options).target);
  const { catalog, classification, priceFrom, priceTo, available, sort, limit } = options;
  const asked = { q: words.join(' '), catalog, classification, priceFrom, priceTo, available, sort };
  const items = await api.searchItems(asked, limit);
  printList(
    options.json,
    items,
    ['sku', 'description', { title: 'price', align: 'right' }, 'classification', 'available'],
    items.map((item) => [
      item.sku,
      item.description,
      `${item.price.amount} ${item.price.currency}`,
      item.classification.code,
      item.available ?? 'at the primary',
    ]),
    'nothing is found',
  );
}
