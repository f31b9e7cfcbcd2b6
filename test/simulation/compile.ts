/**
 * Makes a copy of the product and the simulation that plain Node runs, with or without patches to the source: planted
 * bugs are found by the very code that finds none in the source as it is.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformSync } from '@swc/core';
import { bundleWorkflowCode } from '@temporalio/worker';

export interface Patch {
  /** Of the source, from the repository's root. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A patch that does not fit the source any more: it would plant nothing. */
export class StalePatchError extends Error {}

export interface Compiled {
  /** The process's entry. */
  readonly main: string;
  /** Of the workflow code. */
  readonly bundle: string;
}

const ROOT = join(__dirname, '..', '..');
/** In the repository, so that packages are found. */
const TARGET = join(ROOT, 'var', 'simulation');
const FOLDERS = [
  'domain',
  'cxml',
  'db',
  'activities',
  'workflows',
  'workers',
  'api',
  'web',
  'cli',
  'bench',
  'test/simulation',
  'test/support',
];
/** What workflow code is made of. */
const WORKFLOW_FOLDERS = ['domain', 'workflows'];

/** Compiles into a folder of that name under var/simulation. */
export async function compile(name: string, patches: readonly Patch[] = []): Promise<Compiled> {
  const { target, sources } = copySource(name, patches);
  return { main: join(target, 'test/simulation/main.js'), bundle: await bundle(target, sources) };
}

/** The source itself, compiled; with a test's folder beside it where that is to run on it. */
export function copySource(
  name: string,
  patches: readonly Patch[],
  folders: readonly string[] = [],
): { target: string; sources: ReadonlyMap<string, string> } {
  const target = join(TARGET, name);
  rmSync(target, { recursive: true, force: true });
  const files = [...FOLDERS, ...folders].flatMap(sourcesOf);
  const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));
  for (const patch of patches) sources.set(patch.file, apply(patch, sources.get(patch.file)));
  for (const [file, source] of sources) write(join(target, file.replace(/\.ts$/, '.js')), transpile(file, source));
  return { target, sources };
}

export function remove(name: string): void {
  rmSync(join(TARGET, name), { recursive: true, force: true });
}

function apply({ file, find, replace }: Patch, source: string | undefined): string {
  const parts = source?.split(find) ?? [];
  if (parts.length === 2) return parts.join(replace);
  const why = source === undefined ? 'there is no such file' : `its text stands there ${parts.length - 1} times`;
  throw new StalePatchError(`the patch of ${file} does not apply (${why}): renew it. It looks for\n${find}`);
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.d|\.test|\.long)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

/** A planted bug changes a file or two, and all the others are the same each time. */
const transpiled = new Map<string, string>();

function transpile(file: string, source: string): string {
  const key = `${file}\n${source}`;
  const known = transpiled.get(key);
  if (known !== undefined) return known;
  const { code } = transformSync(source, {
    filename: file,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
    configFile: false,
    swcrc: false,
  });
  transpiled.set(key, code);
  return code;
}

/** Bundling takes seconds, so what was bundled once is kept by what it was made of. */
async function bundle(target: string, sources: ReadonlyMap<string, string>): Promise<string> {
  const hash = createHash('sha256');
  for (const [file, source] of sources) {
    if (WORKFLOW_FOLDERS.includes(file.split('/')[0] ?? '')) hash.update(`${file}\n${source}\n`);
  }
  const file = join(TARGET, `workflows-${hash.digest('hex').slice(0, 16)}.js`);
  if (existsSync(file)) return file;
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(target, 'workflows/index.js'),
    workflowInterceptorModules: [join(target, 'workflows/trace.js')],
    logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: print },
  });
  write(`${file}.${process.pid}`, code);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const quiet = () => undefined;
const print = (message: string) => void process.stderr.write(`${message}\n`);
