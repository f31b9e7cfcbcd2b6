/**
 * Runs episodes, as a process of its own: `main.js BUNDLE FOLDER SEED FIRST COUNT SECONDS`. Stops after so many, or so
 * many seconds. Its last line on stdout is one JSON object: what it did, or what it has found.
 */
import './environment';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Counters } from './counters';
import { EpisodeFailure, runEpisode } from './episode';
import { Violation } from './oracle';
import { makeTemplate } from './shop';
import { type RunReport } from './report';
import { Sandbox } from './temporal/sandbox';

async function main([bundle = '', folder = '', ...numbers]: string[]): Promise<RunReport> {
  const [seed = 1, first = 0, count = 1, seconds = 60] = numbers.map(Number);
  mkdirSync(folder, { recursive: true });
  const sandbox = await Sandbox.open(bundle);
  const template = join(folder, 'template.db');
  await makeTemplate(template);
  const counters = new Counters();
  const sums = { episodes: 0, steps: 0, checks: 0 };
  const hashes: string[] = [];
  const startedAt = performance.now();
  const report = (found: RunReport['found']): RunReport => ({
    ...{ seed, ...sums, seconds: (performance.now() - startedAt) / 1000, hashes, found },
    counts: Object.fromEntries(counters.counts),
  });
  for (let episode = first; episode < first + count; episode++) {
    if (performance.now() - startedAt > seconds * 1000) break;
    try {
      const result = await runEpisode({ seed, episode, sandbox, template, folder });
      counters.add(result.counters);
      hashes.push(result.hash);
      sums.episodes++;
      sums.steps += result.steps;
      sums.checks += result.checks;
    } catch (error) {
      if (!(error instanceof EpisodeFailure)) throw error;
      const { violation, step, message } = error;
      const invariant = violation instanceof Violation ? violation.invariant : null;
      return report({ episode, step, invariant, detail: violation.message, text: message });
    }
  }
  return report(null);
}

const [, , ...parameters] = process.argv;
main(parameters).then(
  (report) => {
    rmSync(parameters[1] ?? '', { recursive: true, force: true });
    process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`, () => process.exit(1));
  },
);
