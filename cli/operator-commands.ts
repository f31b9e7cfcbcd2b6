/** The operator's commands. Each one's code is loaded when it is called, so that --help is quick. */
import { type Command } from 'commander';
import { type TargetOptions, withTarget } from './target-options';
import { TRIAL_DATA_DEFAULT } from './trial/layout';

export function operatorCommands(program: Command): void {
  withTarget(program.command('status').description('how every site of the trial system is, or the one that is named'))
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./status.js')).runStatus(options));
  program
    .command('doctor')
    .description('name what is wrong with sites, their databases, Temporal and clocks, and what to do about it')
    .argument('[files...]', "the sites' configuration files (default: those of the trial system)")
    .option('--data <dir>', "the trial system's data directory", TRIAL_DATA_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (files: string[], options: { data: string; json?: boolean }) =>
      (await import('./doctor.js')).runDoctor(files, options),
    );
  withTarget(program.command('deliveries').description('what is held, for which site, since when and why'))
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./deliveries.js')).runDeliveries(options));
}
