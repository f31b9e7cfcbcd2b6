/** `entrepot demo`: the whole system on real input, with a killed primary in the middle; its check is a process apart. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PACKAGE_ROOT } from '../workers/package-root';
import { runDemoParts } from './demo/parts';
import { sabotage } from './demo/sabotage';
import { type SabotageKind } from './demo/sabotage-kinds';
import { failed, wrongUsage } from './exit-codes';
import { formatSeconds, formatTable, print, progress } from './output';
import { startSystem } from './start';
import { lockDirectory, openTrial, readTrial } from './trial/data-directory';
import { PORT_BASE_DEFAULT, SECONDARIES_DEFAULT, type Trial } from './trial/layout';
import { findFreePortBase } from './trial/ports';
import { newKey } from './trial/keys';
import { Supervisor } from './trial/supervisor';

export interface DemoOptions {
  readonly seed: number;
  readonly data?: string;
  readonly db?: string;
  readonly portBase?: number;
  readonly sabotage?: SabotageKind;
}

/** Away from a trial system's own ports. */
const DEMO_PORT_BASE_FIRST = PORT_BASE_DEFAULT + 100;
const DEMO_PORT_BASE_STEP = 100;
/** Sites, Temporal and its UI: what a base needs free. */
const DEMO_PORT_OFFSETS = [0, 1, 2, 33, 34];

export async function runDemo(options: DemoOptions): Promise<void> {
  const stopAsked = stopSignal();
  const data = resolve(options.data ?? mkdtempSync(join(tmpdir(), 'entrepot-demo-')));
  if (readTrial(data)) throw wrongUsage(`${data} holds a trial system: the demo wants a fresh directory (--data DIR)`);
  const unlock = lockDirectory(data);
  try {
    const trial = await makeTrial(options, data);
    print(`entrepot demo, seed ${options.seed}; data in ${data}\n`);
    const log = join(data, 'buyers.jsonl');
    const begun = Date.now();
    const figures = await runSystem(trial, options.seed, log, stopAsked);
    if (options.sabotage !== undefined) await sabotage(options.sabotage, trial, log);
    print('\nThe check, by a process apart, from the buyers’ log and the databases');
    const exitCode = await runCheck(log, data);
    figures.push(['whole demo', formatSeconds(Date.now() - begun)]);
    print(`\n${formatTable(['figure', 'value'], figures)}`);
    print(`\nEverything is in ${data}: buyers.jsonl, logs/, the databases.`);
    if (exitCode !== 0)
      throw failed(`the check found violations (exit code ${exitCode}); rerun with --seed ${options.seed}`);
  } finally {
    unlock();
  }
}

async function makeTrial(options: DemoOptions, data: string): Promise<Trial> {
  const portBase =
    options.portBase ?? (await findFreePortBase(DEMO_PORT_BASE_FIRST, DEMO_PORT_BASE_STEP, DEMO_PORT_OFFSETS));
  return openTrial(
    { data, portBase, secondaries: SECONDARIES_DEFAULT, ...(options.db === undefined ? {} : { db: options.db }) },
    portBase,
    newKey,
  );
}

async function runSystem(
  trial: Trial,
  seed: number,
  log: string,
  stopAsked: Promise<never>,
): Promise<[string, string][]> {
  const supervisor = new Supervisor(trial, progress);
  const run = async () => {
    await startSystem(supervisor);
    return runDemoParts(supervisor, seed, log);
  };
  try {
    return await Promise.race([run(), stopAsked]);
  } finally {
    progress('stopping the sites, then Temporal');
    await supervisor.stop();
  }
}

async function runCheck(log: string, data: string): Promise<number> {
  const main = join(PACKAGE_ROOT, 'dist', 'cli', 'main.js');
  const child = fork(main, ['demo-check', '--log', log, '--data', data], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

/** Ctrl-C ends the demo; what runs is stopped on the way out. */
function stopSignal(): Promise<never> {
  const stopped = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => reject(failed(`stopped by ${signal} before the demo was over`)));
    }
  });
  // A signal while nobody waits for it is told of at the next wait.
  stopped.catch(() => undefined);
  return stopped;
}
