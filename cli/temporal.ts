/** `entrepot temporal`: where the trial system's Temporal server comes from. */
import { join } from 'node:path';
import { Command } from 'commander';
import { failed } from './exit-codes';

const PORT_DEFAULT = 7233;
const UI_PORT_DEFAULT = 8233;
/** What every guarantee that leans on closed workflows is reckoned with (docs/operations.md). */
const RETENTION_DAYS_DEFAULT = 30;

// Loaded when it is wanted, so that --help is quick.
const loadServer = () => import('../workers/temporal-server.js');

const tell = (line: string) => console.error(line);

export function temporalCommand(): Command {
  const command = new Command('temporal').description('the Temporal server of a trial system');
  command
    .command('where')
    .description('which server would be used')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const found = await (await loadServer()).locateTemporal();
      if (json) console.log(JSON.stringify(found));
      else if (!found) console.log('none yet: "entrepot temporal install" downloads or builds it');
      else console.log(found.kind === 'address' ? `the server at ${found.address}` : `${found.path} (${found.source})`);
    });
  command
    .command('install')
    .description('download or build the server into the cache')
    .option('--production', 'instead the server and schema tool for PostgreSQL, for production (docs/operations.md)')
    .action(async ({ production }: { production?: boolean }) => {
      if (production) return installProduction();
      const found = await find();
      console.log(found.kind === 'address' ? `nothing to install: TEMPORAL_ADDRESS is ${found.address}` : found.path);
    });
  command
    .command('namespace')
    .description("make the namespace that a site's configuration names, or correct its retention")
    .requiredOption('--config <file>', "a site's configuration file")
    .option('--retention-days <days>', 'how long closed workflows are kept', Number, RETENTION_DAYS_DEFAULT)
    .action(async ({ config, retentionDays }: { config: string; retentionDays: number }) =>
      (await import('./namespace.js')).runNamespace(config, retentionDays),
    );
  command
    .command('start')
    .description('run the server in the foreground')
    .option('--port <port>', 'port of the server', Number, PORT_DEFAULT)
    .option('--ui-port <port>', 'port of its UI', Number, UI_PORT_DEFAULT)
    .option('--data <dir>', 'where it keeps its database', 'var/temporal')
    .action(async ({ port, uiPort, data }: { port: number; uiPort: number; data: string }) => {
      const found = await find();
      if (found.kind === 'address')
        throw failed(`TEMPORAL_ADDRESS is ${found.address}: unset it to start a server here`);
      const server = await (
        await loadServer()
      ).startTemporalServer({
        ...{ binary: found.path, port, uiPort, namespace: 'default', progress: tell },
        ...{ dbFile: join(data, 'temporal.sqlite'), logFile: join(data, 'temporal.log') },
      });
      console.log(`Temporal serves at ${server.address}, its UI at ${server.uiUrl}`);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.stop());
      await server.exited;
    });
  return command;
}

async function installProduction(): Promise<void> {
  const { findProductionTemporal } = await import('../workers/temporal-production.js');
  const { server, sqlTool } = await findProductionTemporal({ progress: tell }).catch((error: unknown) => {
    throw failed(error instanceof Error ? error.message : String(error), error);
  });
  console.log(`${server}\n${sqlTool}`);
}

async function find() {
  const { findTemporal, temporalCacheDir } = await loadServer();
  try {
    return await findTemporal({ progress: tell });
  } catch (error) {
    throw failed(`${error instanceof Error ? error.message : String(error)} (cache: ${temporalCacheDir()})`, error);
  }
}
