/** Are the files right, each for itself and together? */
import { ConfigError, loadConfig } from '../../workers/config';
import { type Misfit, type NamedConfig, compareConfigs } from '../../workers/config-compare';
import { type Environment } from '../../workers/config-environment';
import { type Finding, Findings } from './finding';

export interface ReadFiles {
  /** Those that can be used. */
  readonly configs: readonly NamedConfig[];
  readonly findings: readonly Finding[];
}

export function readFiles(files: readonly string[], environment: Environment): ReadFiles {
  const configs: NamedConfig[] = [];
  const findings: Finding[] = [];
  for (const file of files) {
    const finding = new Findings('configuration', file);
    try {
      const config = loadConfig(file, environment);
      configs.push({ file, config });
      findings.push(finding.ok(`site ${config.site} at ${config.url}`));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      findings.push(...error.problems.map((problem) => finding.fault(problem, `mend ${file}`)));
    }
  }
  return { configs, findings: [...findings, ...together(configs)] };
}

function together(configs: readonly NamedConfig[]): Finding[] {
  if (configs.length === 0) return [];
  const misfits = compareConfigs(configs);
  const about = 'all files';
  const count = configs.length === 1 ? 'the file' : `the ${configs.length} files`;
  return [
    ...(misfits.some((misfit) => misfit.about === 'configuration')
      ? []
      : [new Findings('configuration', about).ok(`${count} fit together`)]),
    ...(misfits.some((misfit) => misfit.about === 'sealing keys')
      ? []
      : [new Findings('sealing keys', about).ok(`${count} can open what the others seal`)]),
    ...misfits.map((misfit) => findingOf(misfit, about)),
  ];
}

function findingOf({ about, level, message, remedy }: Misfit, files: string): Finding {
  return { check: about, about: files, level, message, remedy };
}
