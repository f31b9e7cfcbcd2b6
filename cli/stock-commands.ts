/** The commands of `entrepot stock`. Each one's code is loaded when it is called, so that --help is quick. */
import { type Command } from 'commander';
import { oneOf, threshold, transferId, wholeNumber } from './arguments';
import { TRANSFER_STATES } from '../domain/inventory/rights';
import { type TargetOptions, withTarget } from './target-options';

const QUANTITY_MAX = 1_000_000;
const LIMIT_MAX = 10_000;
const LIMIT_DEFAULT = 50;

export function stockCommands(stock: Command): void {
  withTarget(stock.command('move').description('move units from the site that is named to another'))
    .argument('<sku>', 'the item')
    .argument('<quantity>', 'units', wholeNumber(1, QUANTITY_MAX))
    .requiredOption('--to <site>', 'the site that gets them')
    .option('--account <account>', 'own, or pool (default: the pool of a parent, else own)', oneOf(['own', 'pool']))
    .option('--json', 'as JSON')
    .action(async (sku: string, units: number, options: TargetOptions & { to: string; account?: string }) =>
      (await import('./stock.js')).runMove(sku, units, options),
    );
  withTarget(stock.command('transfers').description('units that the site gave and took, newest first, with their age'))
    .option('--state <state>', `only those in this state: ${TRANSFER_STATES.join(', ')}`, oneOf(TRANSFER_STATES))
    .option('--limit <count>', 'at most so many', wholeNumber(1, LIMIT_MAX), LIMIT_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions & { state?: string; limit: number }) =>
      (await import('./stock.js')).runTransfers(options),
    );
  withTarget(stock.command('trace').description('one transfer, unit by unit, as every site has it'))
    .argument('<transfer>', 'giver.incarnation.sequence', transferId)
    .option('--json', 'as JSON')
    .action(async (transfer: string, options: TargetOptions) =>
      (await import('./stock.js')).runTrace(transfer, options),
    );
  withTarget(stock.command('void').description('take a transfer of this site back, if its taker has not credited it'))
    .argument('<transfer>', 'giver.incarnation.sequence', transferId)
    .option('--json', 'as JSON')
    .action(async (transfer: string, options: TargetOptions) =>
      (await import('./stock.js')).runVoid(transfer, options),
    );
  withTarget(stock.command('ledger').description("all that has changed the site's units of an item, newest first"))
    .argument('<sku>', 'the item')
    .option('--limit <count>', 'at most so many', wholeNumber(1, LIMIT_MAX), LIMIT_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (sku: string, options: TargetOptions & { limit: number }) =>
      (await import('./stock.js')).runLedger(sku, options),
    );
  replenishmentCommands(stock);
}

interface ThresholdOptions extends TargetOptions {
  readonly refillTo?: Record<string, number>;
  readonly remove?: boolean;
}

function replenishmentCommands(stock: Command): void {
  withTarget(stock.command('replenish').description('let the site look now what it is short of, and ask its parent'))
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./stock-replenishment.js')).runReplenish(options));
  withTarget(stock.command('replenishments').description('what the site asked of its parent, and what it was answered'))
    .option('--limit <count>', 'at most so many requests', wholeNumber(1, LIMIT_MAX), LIMIT_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions & { limit: number }) =>
      (await import('./stock-replenishment.js')).runReplenishments(options),
    );
  withTarget(stock.command('thresholds').description('when the items of the site are short'))
    .option('--limit <count>', 'at most so many', wholeNumber(1, LIMIT_MAX), LIMIT_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions & { limit: number }) =>
      (await import('./stock-replenishment.js')).runThresholds(options),
    );
  withTarget(stock.command('threshold').description('show or set when an item of the site is short'))
    .argument('<sku>', 'the item')
    .argument('[threshold]', '12 units, 25% of the last grant, 3d that it should last, or value:0.05', threshold)
    .option('--refill-to <threshold>', 'what it is to have then (default: twice as much)', threshold)
    .option('--remove', "let the store's rule hold again")
    .option('--json', 'as JSON')
    .action(async (sku: string, rule: Record<string, number> | undefined, options: ThresholdOptions) =>
      (await import('./stock-replenishment.js')).runThreshold(sku, rule, options),
    );
}
