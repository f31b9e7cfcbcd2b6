/** The options that every command which talks to a site has. */
import { type Command } from 'commander';
import { TRIAL_DATA_DEFAULT } from './trial/layout';

export interface TargetOptions {
  readonly url?: string;
  readonly key?: string;
  readonly store?: string;
  readonly site?: string;
  readonly data: string;
  readonly json?: boolean;
}

export function withTarget(command: Command): Command {
  return command
    .option('--url <url>', "the site's API (default: ENTREPOT_API_URL, else the trial system)")
    .option('--key <key>', "API key (default: ENTREPOT_API_KEY, else the trial system's operator key)")
    .option('--store <store>', "the store (default: ENTREPOT_STORE, else the trial system's)")
    .option('--site <site>', 'a site of the trial system, by name')
    .option('--data <dir>', "the trial system's data directory", TRIAL_DATA_DEFAULT);
}
