/**
 * Builds dist/ from a clean slate: the code, then the workflow bundle. With --if-changed only when a source has changed
 * since the last build, so that a second `npm start` does not wait for it. With --code FOLDER only the code, into there.
 * Types are looked at by `npm run check`, not here, where somebody waits.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

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

/** What the compiler writes, file by file. It is loaded only here: where nothing has changed it would be most of the time. */
async function compile(target) {
  const { default: ts } = await import('typescript');
  const requireNone = (diagnostics) => {
    if (diagnostics.length === 0) return;
    process.stderr.write(ts.formatDiagnostics(diagnostics, ts.createCompilerHost({})));
    process.exit(1);
  };
  const { config, error } = ts.readConfigFile('tsconfig.build.json', ts.sys.readFile);
  requireNone(error ? [error] : []);
  const { fileNames, options, errors } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
  requireNone(errors);
  for (const file of fileNames) {
    const fileName = relative('.', file);
    const source = readFileSync(file, 'utf8');
    const { outputText, sourceMapText, diagnostics } = ts.transpileModule(source, {
      compilerOptions: options,
      fileName,
      reportDiagnostics: true,
    });
    requireNone(diagnostics);
    const out = join(target, fileName.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, outputText);
    writeFileSync(`${out}.map`, sourceMapText);
  }
}

async function build() {
  const now = fingerprint();
  const built = existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : '';
  if (process.argv.includes('--if-changed') && built === now) return;
  process.stderr.write('building\n');
  rmSync('dist', { recursive: true, force: true });
  await compile('dist');
  // npx has a link to it, made when it first ran the command: a new file must be as good.
  chmodSync(join('dist', 'cli', 'main.js'), 0o755);
  const { status } = spawnSync(process.execPath, [join('dist', 'workers', 'bundle-workflows.js')], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(STAMP, now);
}

const codeOnly = process.argv.indexOf('--code');
if (codeOnly > 0) await compile(process.argv[codeOnly + 1]);
else await build();
