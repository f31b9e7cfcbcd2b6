/**
 * Builds dist/ from a clean slate: the code, then the workflow bundle. With --if-changed only when a source has changed
 * since the last build, so that a second `npm start` does not wait for it.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STAMP = join('dist', 'built-from');
const { include } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8'));
const SOURCES = [...include, 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'build.mjs'];

/** Every source by its name, size and time. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const source of SOURCES.filter((path) => existsSync(path))) {
    const inside = statSync(source).isDirectory() ? readdirSync(source, { recursive: true }).sort() : [''];
    for (const name of inside) {
      const path = join(source, name);
      const { size, mtimeMs } = statSync(path);
      hash.update(`${path}\n${size}\n${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

const now = fingerprint();
const built = existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : '';
if (!process.argv.includes('--if-changed') || built !== now) {
  process.stderr.write('building\n');
  rmSync('dist', { recursive: true, force: true });
  const run = (...parameters) => {
    const { status } = spawnSync(process.execPath, parameters, { stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  };
  run(join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json');
  // npx has a link to it, made when it first ran the command: a new file must be as good.
  chmodSync(join('dist', 'cli', 'main.js'), 0o755);
  run(join('dist', 'workers', 'bundle-workflows.js'));
  writeFileSync(STAMP, now);
}
