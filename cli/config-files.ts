/** Which configuration files a command is about, and what they say. */
import { ConfigError, loadConfig, requireFiles } from '../workers/config';
import { type NamedConfig } from '../workers/config-compare';
import { type Environment } from '../workers/config-environment';
import { wrongUsage } from './exit-codes';
import { readTrial } from './trial/data-directory';
import { siteEnvironment } from './trial/layout';

export interface ConfigFiles {
  readonly files: readonly string[];
  /** What stands over the files, as for the sites themselves. */
  readonly environment: Environment;
}

/** The files that were named, or those of the trial system. */
export function configFiles(files: readonly string[], data: string): ConfigFiles {
  if (files.length > 0) return { files, environment: process.env };
  const trial = readTrial(data);
  if (trial) {
    return { files: trial.sites.map(({ config }) => config), environment: { ...process.env, ...siteEnvironment() } };
  }
  throw wrongUsage(
    `which sites? name their configuration files: there is no trial system in ${data} (--data names another)`,
  );
}

export interface WrongFile {
  readonly file: string;
  readonly problems: readonly string[];
}

/**
 * Each file for itself: those that can be used, and what is wrong with the others. Files that a configuration names must
 * be there, too, where it is `here` that its site is to run.
 */
export function readConfigs(
  { files, environment }: ConfigFiles,
  here = false,
): { right: NamedConfig[]; wrong: WrongFile[] } {
  const right: NamedConfig[] = [];
  const wrong: WrongFile[] = [];
  for (const file of files) {
    try {
      const config = loadConfig(file, environment);
      if (here) requireFiles(config, file);
      right.push({ file, config });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      wrong.push({ file, problems: error.problems });
    }
  }
  return { right, wrong };
}
