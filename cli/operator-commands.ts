/** The operator's commands. Each one's code is loaded when it is called, so that --help is quick. */
import { type Command } from 'commander';
import { type TargetOptions, withTarget } from './target-options';

export function operatorCommands(program: Command): void {
  withTarget(program.command('status').description('how every site of the trial system is, or the one that is named'))
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./status.js')).runStatus(options));
  withTarget(program.command('deliveries').description('what is held, for which site, since when and why'))
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./deliveries.js')).runDeliveries(options));
}
