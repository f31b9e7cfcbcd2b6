/** Builds Temporal's programs through the Go module proxy, where they can't be downloaded (design, section 9). */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Environment, type Progress, announced, findOnPath, install } from './program-cache';
import { runCommand } from './run-command';

/** The command line tool's release that is downloaded or built: server 1.31.2, UI 2.50.1. */
export const TEMPORAL_CLI_VERSION = '1.8.2';
/** cliext has no release of its own; this is the commit that the CLI's release was made with. */
const CLIEXT_VERSION = 'v0.0.0-20260731000218-c579925f193f';
/** The server's own release, the one that is within the command line tool. */
export const TEMPORAL_SERVER_VERSION = '1.31.2';
/** Oldest Go that builds them. */
export const GO_MINOR_MIN = 26;

/**
 * Neither symbols nor debug information, which nobody reads here, nor gRPC for archives in Google's storage, which HTTP
 * reaches as well: a smaller program, sooner built.
 */
const SMALLER = ['-gcflags=all=-dwarf=false', '-ldflags', '-s -w', '-tags', 'disable_grpc_modules'];
/** A compiler lives for seconds: not collecting its memory before it is a GiB takes a fifth off the build. */
const COMPILER_MEMORY = { GOGC: 'off', GOMEMLIMIT: '1GiB' };

const CLI_PACKAGE = 'github.com/temporalio/cli/cmd/temporal';
const SERVER_PACKAGE = 'go.temporal.io/server/cmd/server';
const SQL_TOOL_PACKAGE = 'go.temporal.io/server/cmd/tools/sql';

/** The command line tool with its development server, at `path`. */
export async function buildTemporalCli(path: string, env: Environment, progress: Progress): Promise<void> {
  await withGo(dirname(path), env, progress, async (go, folder) => {
    await announced(progress, 'building the Temporal server (once, two to four minutes)', () =>
      go(['build', ...SMALLER, '-o', 'temporal', CLI_PACKAGE]),
    );
    await install(join(folder, 'temporal'), path);
  });
}

/** The server for production and the tool that makes its SQL schema, at these paths. */
export async function buildTemporalServer(
  paths: { server: string; sqlTool: string },
  env: Environment,
  progress: Progress,
): Promise<void> {
  await withGo(dirname(paths.server), env, progress, async (go, folder) => {
    await announced(
      progress,
      'building the Temporal server for production (once; seconds after the other, else two to four minutes)',
      async () => {
        await go(['build', ...SMALLER, '-o', 'sql', SQL_TOOL_PACKAGE]);
        await go(['build', ...SMALLER, '-o', 'server', SERVER_PACKAGE]);
      },
    );
    await install(join(folder, 'sql'), paths.sqlTool);
    await install(join(folder, 'server'), paths.server);
  });
}

/**
 * Runs `work` with the `go` command in a folder of its own beside what is to be made; removes the folder. It is a module
 * with all programs, so that they are made of the same versions of everything, which is compiled once for all of them.
 */
async function withGo(
  parent: string,
  env: Environment,
  progress: Progress,
  work: (go: (parameters: readonly string[]) => Promise<string>, folder: string) => Promise<void>,
): Promise<void> {
  const go = await findOnPath('go', env);
  if (go === null) throw new Error('Go is not installed');
  const version = (await runCommand(go, ['env', 'GOVERSION'])).trim();
  const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? 0);
  if (minor < GO_MINOR_MIN) throw new Error(`Go is ${version}: go1.${GO_MINOR_MIN} or later is needed`);
  const folder = await mkdtemp(join(parent, 'build-'));
  try {
    await writeFile(join(folder, 'go.mod'), goModule());
    await writeFile(join(folder, 'main.go'), mainOfAll());
    const settings = { cwd: folder, env: { ...COMPILER_MEMORY, ...env } };
    const goHere = (parameters: readonly string[]) => runCommand(go, parameters, settings);
    await announced(progress, 'fetching the sources of the Temporal server (once, about a minute)', () =>
      goHere(['mod', 'tidy']),
    );
    await work(goHere, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function goModule(): string {
  const cliext = 'github.com/temporalio/cli/cliext';
  return [
    'module entrepot.dev/temporal',
    `go 1.${GO_MINOR_MIN}`,
    `require github.com/temporalio/cli v${TEMPORAL_CLI_VERSION}`,
    `require go.temporal.io/server v${TEMPORAL_SERVER_VERSION}`,
    `replace ${cliext} => ${cliext} ${CLIEXT_VERSION}`,
    '',
  ].join('\n');
}

/** Names every program, for what no source names `go mod tidy` takes out of the module. */
function mainOfAll(): string {
  const imports = [CLI_PACKAGE, SERVER_PACKAGE, SQL_TOOL_PACKAGE].map((name) => `import _ "${name}"`);
  return ['package main', '', ...imports, '', 'func main() {}', ''].join('\n');
}
