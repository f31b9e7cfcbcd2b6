#!/usr/bin/env node
/** The `entrepot` command. Each command's code is loaded when it is called, so that --help is quick. */
import { Command, CommanderError, Option } from 'commander';
import { withoutSecrets } from '../domain/redaction';
import { SHARING_RULES } from '../domain/inventory';
import { decimal, numberByName, oneOf, wholeNumber } from './arguments';
import { catalogCommands } from './catalog-commands';
import { CommandFailure, EXIT_CODES, EXIT_CODE_HELP, type ExitCode } from './exit-codes';
import { type AllocateOptions } from './inventory';
import { type SimulateOptions } from './inventory-simulate';
import { operatorCommands } from './operator-commands';
import { stockCommands } from './stock-commands';
import { type TargetOptions, withTarget } from './target-options';
import { temporalCommand } from './temporal';
import { PORT_BASE_DEFAULT, PORT_BASE_MAX, PORT_BASE_MIN, SECONDARIES_MAX, TRIAL_DATA_DEFAULT } from './trial/layout';
import { type SabotageKind, SABOTAGES } from './demo/sabotage-kinds';
import { PACKAGE_VERSION } from './version';

const portBase = wholeNumber(PORT_BASE_MIN, PORT_BASE_MAX);
const LIST_LIMIT_DEFAULT = 50;
const LIST_LIMIT_MAX = 100_000;
const SIMULATED_SITES_MAX = 200;
const QUANTITY_MAX = 1_000_000_000;

function buildProgram(): Command {
  const program = new Command('entrepot')
    .description('Runs one commerce site on many servers in many places.')
    .version(PACKAGE_VERSION)
    .option('--verbose', 'show the stack of an error')
    .addHelpText('after', EXIT_CODE_HELP)
    .configureHelp({ showGlobalOptions: true });
  systemCommands(program);
  catalogCommands(program.command('catalog').description('change, publish, push and watch the catalogue'));
  inventoryCommands(program.command('inventory').description('receive stock, share it out, see levels'));
  stockCommands(program.command('stock').description('move units between sites, and see them on their way'));
  orderCommands(program);
  operatorCommands(program);
  program.addCommand(temporalCommand());
  demoCommands(program);
  for (const command of allCommands(program)) command.exitOverride();
  return program;
}

/** In the environment, others on the machine do not see the password. */
function databaseOption(description: string): Option {
  return new Option('--db <url>', description).env('ENTREPOT_DB');
}

function systemCommands(program: Command): void {
  program
    .command('start')
    .description('start a whole trial system: a primary, secondaries and a Temporal server')
    .option('--data <dir>', 'where it keeps its data', TRIAL_DATA_DEFAULT)
    .addOption(
      databaseOption('mysql://user:password@host:port/prefix: a MariaDB or MySQL database per site, not SQLite'),
    )
    .option('--port-base <port>', `the first port (default: ${PORT_BASE_DEFAULT})`, portBase)
    .option('--sites <count>', 'how many secondaries (default: 2)', wholeNumber(1, SECONDARIES_MAX))
    .action(async (options: { data: string; db?: string; portBase?: number; sites?: number }) =>
      (await import('./start.js')).runStart(options),
    );
  program
    .command('site')
    .description('run one site in this process')
    .requiredOption('--config <file>', "the site's configuration file")
    .action(async (options: { config: string }) => (await import('./site.js')).runSite(options));
  program
    .command('migrate')
    .description("bring the databases of sites to this release's schema")
    .argument('[files...]', "the sites' configuration files (default: those of the trial system)")
    .option('--data <dir>', "the trial system's data directory", TRIAL_DATA_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (files: string[], options: { data: string; json?: boolean }) =>
      (await import('./migrate.js')).runMigrate(files, options),
    );
  program
    .command('audit')
    .description('check that stock balances and every catalogue is what it claims, from the databases themselves')
    .argument('[files...]', "the configuration files of all sites (default: the trial system's)")
    .option('--data <dir>', "the trial system's data directory", TRIAL_DATA_DEFAULT)
    .option('--json', 'as JSON')
    .option('--record', "leave the number of violations in every database, for the sites' metrics")
    .action(async (files: string[], options: { data: string; json?: boolean; record?: boolean }) =>
      (await import('./audit.js')).runAudit(files, options),
    );
  const config = program.command('config').description("sites' configuration files");
  config
    .command('check')
    .description('check configuration files, each for itself and together, the environment over them')
    .argument('[files...]', "the sites' configuration files (default: those of the trial system)")
    .option('--data <dir>', "the trial system's data directory", TRIAL_DATA_DEFAULT)
    .option('--json', 'show the result, secrets left out, as JSON')
    .action(async (files: string[], options: { data: string; json?: boolean }) =>
      (await import('./config.js')).runConfigCheck(files, options),
    );
}

function inventoryCommands(inventory: Command): void {
  const quantity = wholeNumber(1, QUANTITY_MAX);
  withTarget(inventory.command('receive').description('book received units at the primary'))
    .argument('<sku>', 'the item')
    .argument('<quantity>', 'units', quantity)
    .option('--receipt <id>', 'the receipt: the same one is booked once')
    .option('--json', 'as JSON')
    .action(async (sku: string, units: number, options: ReceiveOptions) =>
      (await import('./inventory.js')).runReceive(sku, units, options),
    );
  withTarget(inventory.command('levels').description('what a site may sell'))
    .option('--sku <sku>', 'only this item')
    .option('--limit <count>', 'at most so many items', wholeNumber(1, LIST_LIMIT_MAX), LIST_LIMIT_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (options: ListOptions & { sku?: string }) => (await import('./inventory.js')).runLevels(options));
  withTarget(inventory.command('demand').description('what is asked for a day, by item and site'))
    .option('--sku <sku>', 'only this item')
    .option('--limit <count>', 'at most so many items', wholeNumber(1, LIST_LIMIT_MAX), LIST_LIMIT_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (options: ListOptions & { sku?: string }) => (await import('./inventory.js')).runDemand(options));
  withTarget(inventory.command('allocate').description('share the pool out to the sites'))
    .option('--sku <sku...>', 'only these items (default: all of the pool)')
    .option('--to <site...>', 'only to these sites (default: all)')
    .option('--own-share', 'the primary takes a share too, for its own sales')
    .option('--by <rule>', `${SHARING_RULES.join(', ')} (default: as configured)`, oneOf(SHARING_RULES))
    .option('--share <site=part>', 'by shares: the part of a site; once for each', numberByName)
    .option('--only', 'those of --to get their share of what all would get; the rest stays in the pool')
    .option('--dry-run', 'only show who would get what')
    .option('--no-wait', 'do not wait for the sites to confirm')
    .option('--json', 'as JSON')
    .action(async (options: AllocateOptions) => (await import('./inventory.js')).runAllocate(options));
  inventory
    .command('simulate')
    .description('stock policies side by side on your own orders (docs/inventory.md)')
    .requiredOption('--orders <file>', 'CSV, plain or .gz: placed_at, invoice, sku, quantity, customer, country')
    .option('--history <file>', 'earlier orders: they make the stock at the beginning, and the estimates')
    .option('--from <day>', 'measure from this day on (default: the first of the orders)')
    .option('--sites <count>', 'sites that sell', wholeNumber(2, SIMULATED_SITES_MAX), 4)
    .option('--fill <part>', 'receipts, as a part of demand', decimal(0), 1)
    .option('--cut <part>', 'the share of time that each site is cut off', decimal(0, 1), 0.05)
    .option('--seed <number>', 'the same seed, the same outages', wholeNumber(0, 2 ** 31 - 1), 1)
    .option('--json', 'as JSON')
    .action(async (options: SimulateOptions) => (await import('./inventory-simulate.js')).runSimulate(options));
}

function orderCommands(program: Command): void {
  const orders = program.command('orders').description('the orders at a site');
  withTarget(orders.command('list').description('newest first'))
    .option('--state <state>', 'only those in this state')
    .option('--limit <count>', 'at most so many', wholeNumber(1, LIST_LIMIT_MAX), LIST_LIMIT_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (options: ListOptions & { state?: string }) => (await import('./orders.js')).runOrdersList(options));
  withTarget(orders.command('show').description('one order: state, timeline, workflow'))
    .argument('<order>', "the order's id")
    .option('--document', 'print its cXML document instead')
    .option('--json', 'as JSON')
    .action(async (order: string, options: TargetOptions & { document?: boolean }) =>
      (await import('./orders.js')).runOrdersShow(order, options),
    );
}

function demoCommands(program: Command): void {
  program
    .command('demo')
    .description('show it all on real input: a day of orders, a killed primary, the last 50 units; then check it')
    .option('--seed <number>', 'the same seed, the same buyers', wholeNumber(0, 2 ** 32 - 1), 1)
    .option('--data <dir>', 'a fresh directory (default: one under the system temporary directory)')
    .addOption(databaseOption('mysql://… as for start'))
    .option('--port-base <port>', 'the first port (default: the first that are free)', portBase)
    .option(
      '--sabotage <kind>',
      `break one thing after the run: ${SABOTAGES.join(', ')}; must end in 1`,
      oneOf(SABOTAGES),
    )
    .action(async (options: DemoOptions) => (await import('./demo.js')).runDemo(options));
  program
    .command('demo-check')
    .description("check a demo's outcome from the buyers' log and every database")
    .requiredOption('--log <file>', "the buyers' log of answers")
    .requiredOption('--data <dir>', "the demo's data directory")
    .option('--json', 'as JSON')
    .action(async (options: { log: string; data: string; json?: boolean }) =>
      (await import('./demo/check.js')).runDemoCheck(options),
    );
}

type ListOptions = TargetOptions & { readonly limit: number };
type ReceiveOptions = TargetOptions & { readonly receipt?: string };
interface DemoOptions {
  readonly seed: number;
  readonly data?: string;
  readonly db?: string;
  readonly portBase?: number;
  readonly sabotage?: SabotageKind;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap((inner) => allCommands(inner))];
}

function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`entrepot: ${withoutSecrets(message)}\n`);
  if (process.argv.includes('--verbose') && error instanceof Error) showStack(error);
  return error instanceof CommandFailure ? error.exitCode : EXIT_CODES.failed;
}

function showStack(error: Error): void {
  process.stderr.write(`${withoutSecrets(String(error.stack))}\n`);
  if (error.cause instanceof Error) showStack(error.cause);
}

/** The list of processes shows every command line to everyone on the machine. */
function hideSecrets(): void {
  const words = process.argv.slice(2);
  if (words.some((word) => withoutSecrets(word) !== word))
    process.title = withoutSecrets(['entrepot', ...words].join(' '));
}

/** Whoever reads the output may have enough, as `head` has; what is being done is done all the same. */
function outliveReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

hideSecrets();
outliveReader();
buildProgram()
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = report(error);
  });
