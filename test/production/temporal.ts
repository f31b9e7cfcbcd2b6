/** Temporal's real server on the configuration that docs/production ships, on a PostgreSQL of the test's own. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { connectionOptions } from '../../workers/temporal-connection';
import { cacheFolder } from '../../workers/program-cache';
import { TEMPORAL_SERVER_VERSION } from '../../workers/temporal-build';
import { type ProductionTemporal } from '../../workers/temporal-production';
import { TEMPORAL_NAMESPACE, freePort } from '../support/servers';
import { until } from '../support/until';
import { CertificateAuthority } from '../support/certificates';
import { type Postgresql } from './postgresql';

const SHIPPED = join(__dirname, '..', '..', 'docs', 'production');
const DYNAMIC_CONFIG = join(SHIPPED, 'temporal-dynamic.yaml');
const SERVER_NAME = 'temporal.internal';
const PORT_NAMES = [
  ...['PORT', 'FRONTEND_MEMBERSHIP_PORT', 'HISTORY_PORT', 'HISTORY_MEMBERSHIP_PORT', 'MATCHING_PORT'],
  ...['MATCHING_MEMBERSHIP_PORT', 'WORKER_PORT', 'WORKER_MEMBERSHIP_PORT', 'METRICS_PORT'],
];
/** As RestartSec in docs/production/temporal.service. */
const RESTART_MS = 1_000;
const LOG_TAIL_LINES = 15;

export class TemporalServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'entrepot-production-'));
  readonly authority = new CertificateAuthority(this.folder);
  private readonly site = this.authority.issue('site', 'site.internal');
  private readonly logFile = join(this.folder, 'temporal.log');
  private child: ChildProcess | undefined;
  private wanted = false;

  private constructor(
    private readonly programs: ProductionTemporal,
    private readonly postgresql: Postgresql,
    private readonly ports: readonly number[],
  ) {
    this.authority.issue('server', SERVER_NAME);
  }

  /** Whether it is there already, and need not be built. */
  static isThere(): boolean {
    const folder = cacheFolder(`temporal-server-${TEMPORAL_SERVER_VERSION}`, process.env);
    return existsSync(join(folder, 'temporal-server')) || spawnSync('temporal-server', ['--version']).status === 0;
  }

  /** Its databases are made; it is not started yet, and there is no namespace. */
  static create(programs: ProductionTemporal, postgresql: Postgresql, ports: readonly number[]): TemporalServer {
    const server = new TemporalServer(programs, postgresql, ports);
    // It names each file that it has checked, and what is wrong with it.
    const checked = execFileSync(programs.server, ['validate-dynamic-config', DYNAMIC_CONFIG], { encoding: 'utf8' });
    expect(checked.trim()).toBe(DYNAMIC_CONFIG);
    server.makeSchema();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.ports[0]}`;
  }

  /** As a site's configuration says it. */
  get settings() {
    const tls = { caFile: this.authority.certificate, ...this.site, serverName: SERVER_NAME };
    return { address: this.address, namespace: TEMPORAL_NAMESPACE, uiUrl: 'http://127.0.0.1:8233', tls };
  }

  /** Starts it, and again whenever it ends, as systemd does; resolves when it answers. */
  async launch(): Promise<void> {
    this.wanted = true;
    this.spawnServer();
    await this.answers();
  }

  async answers(): Promise<void> {
    try {
      await until('the Temporal server to answer', async () => {
        const connection = await this.connect();
        await connection.close();
        return true;
      });
    } catch (error) {
      throw new Error(`Temporal does not answer; its log ends with\n${this.logTail()}`, { cause: error });
    }
  }

  async connect(): Promise<Connection> {
    return Connection.connect({ ...(await connectionOptions(this.settings)), connectTimeout: 2_000 });
  }

  /** By SIGTERM, as systemd does; resolves when the process is gone. */
  async stop(): Promise<void> {
    this.wanted = false;
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private spawnServer(): void {
    const log = openSync(this.logFile, 'a');
    this.child = spawn(this.programs.server, ['--config-file', join(SHIPPED, 'temporal.yaml'), 'start'], {
      env: { ...process.env, ...this.environment() },
      stdio: ['ignore', log, log],
    });
    // It ends by itself when its database is away while it starts, for example.
    this.child.once('exit', () => {
      if (this.wanted) setTimeout(() => this.wanted && this.spawnServer(), RESTART_MS);
    });
  }

  private makeSchema(): void {
    const { host, port, user, password } = this.postgresql;
    execFileSync(join(SHIPPED, 'temporal-schema.sh'), ['create'], {
      env: {
        ...process.env,
        ...{ SQL_HOST: host, SQL_PORT: String(port), SQL_USER: user, SQL_PASSWORD: password },
        TEMPORAL_SQL_TOOL: this.programs.sqlTool,
      },
      stdio: ['ignore', openSync(this.logFile, 'a'), 'pipe'],
    });
  }

  private environment(): Record<string, string> {
    return {
      ...Object.fromEntries(PORT_NAMES.map((name, index) => [`TEMPORAL_${name}`, String(this.ports[index])])),
      TEMPORAL_METRICS_ADDRESS: `127.0.0.1:${this.ports.at(-1)}`,
      TEMPORAL_DB_ADDRESS: `${this.postgresql.host}:${this.postgresql.port}`,
      TEMPORAL_DB_USER: this.postgresql.user,
      TEMPORAL_DB_PASSWORD: this.postgresql.password,
      TEMPORAL_TLS_DIR: this.folder,
      TEMPORAL_DYNAMIC_CONFIG: DYNAMIC_CONFIG,
    };
  }

  private logTail(): string {
    return readFileSync(this.logFile, 'utf8').trim().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  }
}

/** As many as a server needs; on PostgreSQL it keeps them in a smallint. */
export async function freePorts(): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < PORT_NAMES.length) ports.add(await freePort());
  return [...ports];
}
