/** The catalogue's commands. Each one's code is loaded when it is called, so that --help is quick. */
import { type Command } from 'commander';
import { DRAFT_DEFAULT } from '../domain/catalog-draft';
import { IMPORT_FORMATS, LOAD_MODES } from '../domain/catalog-import';
import { CHANGES_MAX, EVERY_SECONDS_MAX, EVERY_SECONDS_MIN } from '../domain/catalog-triggers';
import { ITEM_ORDERS } from '../domain/search';
import { oneOf, wholeNumber } from './arguments';
import { type CatalogOptions, type DraftOptions, type ImportOptions, type SearchOptions } from './catalog';
import { type PreviewOptions, type SetOptions } from './catalog-drafts';
import { type ListOptions } from './catalog-revisions';
import { type TriggerOptions } from './catalog-triggers';
import { withTarget } from './target-options';

const LIST_LIMIT_DEFAULT = 50;
const LIST_LIMIT_MAX = 1_000_000;
const LEAD_TIME_MAX_DAYS = 3650;

export function catalogCommands(catalog: Command): void {
  importCommand(catalog);
  draftCommands(catalog);
  searchCommand(catalog);
  triggerCommands(catalog.command('trigger').description('what pushes drafts without being asked each time'));
  ofCatalog(catalog.command('request').description("ask a site's parent for what is published")).action(
    async (options: CatalogOptions) => (await import('./catalog-triggers.js')).runRequest(options),
  );
  revisionCommands(catalog);
  ofDraft(catalog.command('push').description('publish a draft as a revision and push it to the sites'))
    .option('--no-wait', 'do not wait for the sites to confirm')
    .action(async (options: DraftOptions & { wait: boolean }) =>
      (await import('./catalog.js')).runCatalogPush(options),
    );
  ofCatalog(catalog.command('audience').description('let only these user groups see the catalogue, from now on'))
    .argument('[groups...]', 'by name or id; none: everyone')
    .action(async (groups: string[], options: CatalogOptions) =>
      (await import('./groups.js')).runCatalogAudience(groups, options),
    );
  ofCatalog(catalog.command('status').description('which revision every site has confirmed')).action(
    async (options: CatalogOptions) => (await import('./catalog.js')).runCatalogStatus(options),
  );
}

function ofCatalog(command: Command): Command {
  return withTarget(command).option('--catalog <name>', 'the catalogue', 'main').option('--json', 'as JSON');
}

function ofDraft(command: Command): Command {
  return ofCatalog(command).option('--draft <name>', 'changes of one draft are published together', DRAFT_DEFAULT);
}

function limited(command: Command, what: string): Command {
  return command.option(
    '--limit <count>',
    `at most so many ${what}`,
    wholeNumber(1, LIST_LIMIT_MAX),
    LIST_LIMIT_DEFAULT,
  );
}

function importCommand(catalog: Command): void {
  ofDraft(catalog.command('import').description('import items from a CSV, JSON or cXML file into a draft'))
    .argument(
      '<file>',
      'CSV with a heading, a list in JSON, an item in JSON a line, or a cXML Index; "-" for standard input',
    )
    .option(
      '--format <format>',
      'csv, json, ndjson or cxml (default: as the file is named; csv for "-")',
      oneOf(IMPORT_FORMATS),
    )
    .option(
      '--mode <mode>',
      'full: what the file does not name goes; partial: what a row leaves out stays (default: as an Index says, else incremental)',
      oneOf(LOAD_MODES),
    )
    .option('--skip-bad', 'leave bad items out instead of changing nothing')
    .action(async (file: string, options: ImportOptions) =>
      (await import('./catalog.js')).runCatalogImport(file, options),
    );
}

function draftCommands(catalog: Command): void {
  ofCatalog(catalog.command('drafts').description('the drafts that hold something')).action(
    async (options: CatalogOptions) => (await import('./catalog-drafts.js')).runDrafts(options),
  );
  limited(
    ofDraft(catalog.command('preview').description('what a publication of a draft would change now')),
    'items',
  ).action(async (options: PreviewOptions) => (await import('./catalog-drafts.js')).runPreview(options));
  ofDraft(catalog.command('discard').description('throw a draft away')).action(async (options: DraftOptions) =>
    (await import('./catalog-drafts.js')).runDiscard(options),
  );
  ofDraft(catalog.command('set').description('draft an item: some values of one that is there, or a new one'))
    .argument('<sku>', 'the item')
    .option('--description <text>', 'what it is')
    .option('--price <amount>', 'a decimal, such as 12.50')
    .option('--price-from <time>', 'the price holds from then on, such as 2026-12-01T00:00:00Z')
    .option('--unit <code>', 'unit of measure, such as EA')
    .option('--classification <domain:code>', 'such as UNSPSC:60141000')
    .option('--lead-time <days>', 'from order to delivery', wholeNumber(0, LEAD_TIME_MAX_DAYS))
    .option('--audience <groups>', 'the user groups that may see it, separated by commas; "everyone" lifts it')
    .option('--group-price <group=amount...>', 'a price for a user group, instead of all that it had')
    .option('--attribute <name=value...>', 'an attribute; with no value it goes')
    .action(async (sku: string, options: SetOptions) => (await import('./catalog-drafts.js')).runSet(sku, options));
  ofDraft(catalog.command('withdraw').description('draft that items go'))
    .argument('<skus...>', 'the items')
    .action(async (skus: string[], options: DraftOptions) =>
      (await import('./catalog-drafts.js')).runWithdraw(skus, options),
    );
}

function revisionCommands(catalog: Command): void {
  limited(
    ofCatalog(catalog.command('revisions').description('the revisions of a site, newest first')),
    'revisions',
  ).action(async (options: ListOptions) => (await import('./catalog-revisions.js')).runRevisions(options));
  limited(ofCatalog(catalog.command('items').description('the items of a revision')), 'items')
    .argument('<revision>', 'such as 1.7')
    .action(async (revision: string, options: ListOptions) =>
      (await import('./catalog-revisions.js')).runRevisionItems(revision, options),
    );
  limited(ofCatalog(catalog.command('diff').description('what differs between two revisions')), 'items')
    .argument('<from>', 'such as 1.3; 0.0 is before the first')
    .argument('[to]', 'such as 1.7 (default: the newest)')
    .action(async (from: string, to: string | undefined, options: ListOptions) =>
      (await import('./catalog-revisions.js')).runDiff(from, to, options),
    );
  ofCatalog(catalog.command('restore').description('draft what brings a revision back, in a draft of its own'))
    .argument('<revision>', 'such as 1.3')
    .action(async (revision: string, options: CatalogOptions) =>
      (await import('./catalog-revisions.js')).runRestore(revision, options),
    );
}

function searchCommand(catalog: Command): void {
  ofCatalog(catalog.command('search').description('what a site sells, by words, classification and price'))
    .argument(
      '[words...]',
      'all of which must be in description, sku or attributes; of the last the beginning is enough',
    )
    .option('--classification <code>', 'the beginning of a classification code')
    .option('--price-from <amount>', 'the lowest price, such as 1.50')
    .option('--price-to <amount>', 'the highest price')
    .option('--available', 'only what can be bought there now')
    .option(
      '--sort <order>',
      `${ITEM_ORDERS.join(', ')} (default: relevance, or sku without words)`,
      oneOf(ITEM_ORDERS),
    )
    .option('--limit <items>', 'at most so many', wholeNumber(1, LIST_LIMIT_MAX), LIST_LIMIT_DEFAULT)
    .action(async (words: string[], options: SearchOptions) =>
      (await import('./catalog.js')).runCatalogSearch(words, options),
    );
}

function triggerCommands(trigger: Command): void {
  ofDraft(trigger.command('set').description('set a trigger, whatever it was'))
    .argument('<name>', 'of the trigger')
    .option('--at <time>', 'once, such as 2026-12-01T00:00:00Z')
    .option('--every <seconds>', 'again and again', wholeNumber(EVERY_SECONDS_MIN, EVERY_SECONDS_MAX))
    .option('--after-changes <count>', 'as soon as the draft holds so many', wholeNumber(1, CHANGES_MAX))
    .action(async (name: string, options: TriggerOptions) =>
      (await import('./catalog-triggers.js')).runTriggerSet(name, options),
    );
  ofCatalog(trigger.command('list').description('the triggers and their states')).action(
    async (options: CatalogOptions) => (await import('./catalog-triggers.js')).runTriggers(options),
  );
  for (const [command, paused, what] of [
    ['pause', true, 'let a trigger rest'],
    ['resume', false, 'let it go on'],
  ] as const) {
    ofCatalog(trigger.command(command).description(what))
      .argument('<name>', 'of the trigger')
      .action(async (name: string, options: CatalogOptions) =>
        (await import('./catalog-triggers.js')).runTriggerPause(name, paused, options),
      );
  }
  ofCatalog(trigger.command('remove').description('remove a trigger'))
    .argument('<name>', 'of the trigger')
    .action(async (name: string, options: CatalogOptions) =>
      (await import('./catalog-triggers.js')).runTriggerRemove(name, options),
    );
}
