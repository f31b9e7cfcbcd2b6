/** Schemathesis, which makes requests from an OpenAPI document and judges the answers by it: found, installed and run. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCommand } from '../../workers/run-command';
import { temporalCacheDir } from '../../workers/temporal-server';

/** Every package that it needs, pinned. */
const REQUIREMENTS = join(__dirname, 'schemathesis-requirements.txt');
const VERSION = /^schemathesis==(.+)$/m.exec(readFileSync(REQUIREMENTS, 'utf8'))?.[1] ?? '';
const CHECKS = [
  ...['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance'],
  ...['response_schema_conformance', 'negative_data_rejection', 'missing_required_header', 'unsupported_method'],
  ...['allow_header_conformance', 'ignored_auth'],
];

/** False on a laptop without it; in CI that is a failure. */
export function hasPython(): boolean {
  const found = spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0;
  if (!found && process.env['CI'])
    throw new Error('python3 with venv is missing, and in CI that is a failure: install python3-venv');
  return found;
}

/** The command, from a virtual environment in the cache. */
export async function installSchemathesis(): Promise<string> {
  const folder = join(dirname(temporalCacheDir()), `schemathesis-${VERSION}`);
  const command = join(folder, 'bin', 'schemathesis');
  const done = join(folder, 'installed');
  if (existsSync(done)) return command;
  mkdirSync(folder, { recursive: true });
  await runCommand('python3', ['-m', 'venv', '--clear', folder]);
  await runCommand(join(folder, 'bin', 'pip'), ['install', '--quiet', '--no-deps', '--requirement', REQUIREMENTS]);
  writeFileSync(done, VERSION);
  return command;
}

export interface FuzzRun {
  readonly url: string;
  /** Its files go here. */
  readonly folder: string;
  /** Settings of schemathesis.toml. */
  readonly config: string;
  readonly seed: number;
  readonly examples: number;
  /** Patterns of operation ids: to be tried, and not to be; absent for all and none. */
  readonly only?: string;
  readonly except?: string;
  /** Checks that do not fit. */
  readonly unfit?: readonly string[];
}

export interface FuzzReport {
  readonly failed: boolean;
  readonly output: string;
  /** Every request that was made, and what it was answered. */
  readonly cases: readonly { readonly method: string; readonly path: string; readonly status: number }[];
}

export async function fuzz(command: string, run: FuzzRun): Promise<FuzzReport> {
  mkdirSync(run.folder, { recursive: true });
  const config = join(run.folder, 'schemathesis.toml');
  const har = join(run.folder, 'requests.har');
  writeFileSync(config, run.config);
  // One worker: with threads, Python 3.11 now and then breaks in its own parser.
  const words = [
    ...['--config-file', config, 'run', `${run.url}/openapi.json`],
    ...[
      '--checks',
      CHECKS.filter((check) => !run.unfit?.includes(check)).join(','),
      '--phases',
      'examples,coverage,fuzzing',
      '--seed',
      String(run.seed),
    ],
    ...['--max-examples', String(run.examples), '--generation-deterministic', '--continue-on-failure', '--no-shrink'],
    ...['--report-har-path', har, '--suppress-health-check', 'all', '--request-timeout', '20', '--workers', '1'],
    ...(run.only === undefined ? [] : ['--include-operation-id-regex', run.only]),
    ...(run.except === undefined ? [] : ['--exclude-operation-id-regex', run.except]),
  ];
  const { code, output } = await ended(command, words, run.folder);
  return { failed: code !== 0, output, cases: existsSync(har) ? casesOf(har, run.url) : [] };
}

function ended(
  command: string,
  words: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, words, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

interface Har {
  readonly log: {
    readonly entries: readonly {
      readonly request: { readonly method: string; readonly url: string };
      readonly response: { readonly status: number };
    }[];
  };
}

function casesOf(file: string, url: string): FuzzReport['cases'] {
  const { log } = JSON.parse(readFileSync(file, 'utf8')) as Har;
  return log.entries.map(({ request, response }) => ({
    method: request.method,
    path: request.url.slice(url.length).split('?')[0] ?? '',
    status: response.status,
  }));
}
