/** Are the files right, each for itself and together? */
import { type Misfit, type NamedConfig, compareConfigs } from '../../workers/config-compare';
import { type ConfigFiles, readConfigs } from '../config-files';
import { type Finding, Findings } from './finding';

export interface ReadFiles {
  /** Those that can be used. */
  readonly configs: readonly NamedConfig[];
  readonly findings: readonly Finding[];
}

export function readFiles(files: ConfigFiles): ReadFiles {
  const { right, wrong } = readConfigs(files);
  return {
    configs: right,
    findings: [
      ...right.map(({ file, config }) =>
        new Findings('configuration', file).ok(`site ${config.site} at ${config.url}`),
      ),
      ...wrong.flatMap(({ file, problems }) =>
        problems.map((problem) => new Findings('configuration', file).fault(problem, `mend ${file}`)),
      ),
      ...together(right),
    ],
  };
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
