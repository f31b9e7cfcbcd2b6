/** A PostgreSQL of the test's own, from Debian's package, to be killed and started again. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath } from '../../workers/program-cache';
import { freePort } from '../support/servers';
import { until } from '../support/until';

const VERSIONS = '/usr/lib/postgresql';
/** Debian's package makes this user; the server refuses to run as root. */
const UNPRIVILEGED = 'postgres';

interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

export class Postgresql {
  readonly host = '127.0.0.1';
  readonly user = 'temporal';
  readonly password = 'not-a-secret-in-a-test';
  private child: ChildProcess | undefined;

  private constructor(
    private readonly bin: string,
    private readonly folder: string,
    private readonly identity: Identity,
    readonly port: number,
  ) {}

  /** Null where PostgreSQL is not installed. */
  static async start(): Promise<Postgresql | null> {
    const bin = await findBinaries();
    if (bin === null) return null;
    const folder = mkdtempSync(join(tmpdir(), 'entrepot-postgresql-'));
    const identity = unprivileged();
    if (identity.uid !== undefined) chownSync(folder, identity.uid, identity.gid ?? identity.uid);
    const server = new Postgresql(bin, folder, identity, await freePort());
    server.initialise();
    await server.launch();
    return server;
  }

  /** kill -9 of the whole server. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** After a kill its orphans have to leave first, so that the first try may fail. */
  async launch(): Promise<void> {
    await until('PostgreSQL to serve', async () => {
      if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) this.spawnServer();
      return this.accepts();
    });
  }

  /** Fast shutdown: sessions are ended, everything is written. */
  async stop(): Promise<void> {
    await this.end('SIGINT');
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private initialise(): void {
    const passwordFile = join(this.folder, 'password');
    writeFileSync(passwordFile, this.password, { mode: 0o644 });
    const made = spawnSync(
      join(this.bin, 'initdb'),
      [
        ...['-D', join(this.folder, 'data'), '-U', this.user, '-E', 'UTF8', '--no-locale', '--no-instructions'],
        ...['--auth-local=trust', '--auth-host=scram-sha-256', `--pwfile=${passwordFile}`],
      ],
      { ...this.identity, cwd: this.folder, encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || String(made.error)}`);
  }

  private spawnServer(): void {
    const log = openSync(join(this.folder, 'log'), 'a');
    const settings = [
      ...[`listen_addresses=${this.host}`, `unix_socket_directories=${this.folder}`, 'max_connections=100'],
    ];
    this.child = spawn(
      join(this.bin, 'postgres'),
      ['-D', join(this.folder, 'data'), '-p', String(this.port), ...settings.flatMap((setting) => ['-c', setting])],
      { ...this.identity, cwd: this.folder, stdio: ['ignore', log, log] },
    );
  }

  private async accepts(): Promise<boolean> {
    const arguments_ = ['-h', this.host, '-p', String(this.port), '-t', '1', '-q'];
    return spawnSync(join(this.bin, 'pg_isready'), arguments_).status === 0;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await gone;
  }
}

async function findBinaries(): Promise<string | null> {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((one, other) => Number(other) - Number(one)) : [];
  const folders = versions.map((version) => join(VERSIONS, version, 'bin'));
  const found = await findOnPath('initdb', { PATH: [...folders, process.env['PATH'] ?? ''].join(':') });
  return found === null ? null : join(found, '..');
}

function unprivileged(): Identity {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(spawnSync('id', [flag, UNPRIVILEGED], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}
