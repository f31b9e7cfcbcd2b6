/**
 * Temporal's server for production and its schema tool, on PostgreSQL (docs/temporal): found, or built once. Where
 * Temporal's own packages or images can be had, those do as well.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Environment, type Progress, cacheFolder, findOnPath, isExecutable, withLock } from './program-cache';
import { GO_MINOR_MIN, TEMPORAL_SERVER_VERSION, buildTemporalServer } from './temporal-build';

/** Their names as Temporal ships them. */
const SERVER = 'temporal-server';
const SQL_TOOL = 'temporal-sql-tool';

/** Paths of the two programs. */
export interface ProductionTemporal {
  readonly server: string;
  readonly sqlTool: string;
}

interface FindOptions {
  readonly env?: Environment;
  readonly cacheDir?: string;
  readonly progress?: Progress;
}

/** Both on PATH, or both in the cache; null when neither is so. */
export async function locateProductionTemporal(options: FindOptions = {}): Promise<ProductionTemporal | null> {
  const env = options.env ?? process.env;
  const [server, sqlTool] = await Promise.all([findOnPath(SERVER, env), findOnPath(SQL_TOOL, env)]);
  if (server !== null && sqlTool !== null) return { server, sqlTool };
  const cached = inCache(options);
  return (await isExecutable(cached.server)) && (await isExecutable(cached.sqlTool)) ? cached : null;
}

/** What is there already, else built into the cache; the error says what is missing and what to do. */
export async function findProductionTemporal(options: FindOptions = {}): Promise<ProductionTemporal> {
  const found = await locateProductionTemporal(options);
  if (found) return found;
  const progress = options.progress ?? (() => undefined);
  const folder = cacheDir(options);
  await mkdir(folder, { recursive: true });
  return withLock(join(folder, 'lock'), progress, async () => {
    const meanwhile = await locateProductionTemporal(options);
    if (meanwhile) return meanwhile;
    const made = inCache(options);
    try {
      await buildTemporalServer(made, options.env ?? process.env, progress);
    } catch (error) {
      throw new Error(
        `there is no Temporal server for production: "${SERVER}" and "${SQL_TOOL}" are not on PATH nor in ${folder}, ` +
          `and the build failed (${error instanceof Error ? error.message : String(error)}). ` +
          `Install Temporal ${TEMPORAL_SERVER_VERSION}, or Go 1.${GO_MINOR_MIN}`,
        { cause: error },
      );
    }
    return made;
  });
}

function inCache(options: FindOptions): ProductionTemporal {
  const folder = cacheDir(options);
  return { server: join(folder, SERVER), sqlTool: join(folder, SQL_TOOL) };
}

function cacheDir({ env, cacheDir: given }: FindOptions): string {
  return given ?? cacheFolder(`temporal-server-${TEMPORAL_SERVER_VERSION}`, env ?? process.env);
}
