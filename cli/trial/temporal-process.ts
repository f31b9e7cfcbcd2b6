/** The Temporal server behind a keeper: a process that ends the server when the supervisor is gone, however it went. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../workers/package-root';
import { failed } from '../exit-codes';
import { type Trial, codecPage, externalTemporal } from './layout';

/** A server that does not leave is killed by its keeper well before this, milliseconds. */
const KEEPER_STOP_TIMEOUT_MS = 30_000;

/** What the keeper is started with. */
export interface KeeperOrder {
  readonly port: number;
  readonly uiPort: number;
  /** The server's own database. */
  readonly dbFile: string;
  readonly logFile: string;
  /** The primary opens sealed documents for operators. */
  readonly uiCodecEndpoint: string;
}

export type KeeperMessage =
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'ready'; readonly address: string }
  | { readonly kind: 'failed'; readonly reason: string };

export class TemporalProcess {
  private keeper: ChildProcess | undefined;
  private stopping = false;

  constructor(
    private readonly trial: Trial,
    private readonly tell: (line: string) => void,
  ) {}

  /** Finds (downloads, builds) and starts the server; with TEMPORAL_ADDRESS set there is one already. */
  async start(): Promise<void> {
    const external = externalTemporal();
    if (external !== null) {
      this.tell(`Temporal: using the server at ${external} (TEMPORAL_ADDRESS)`);
      return;
    }
    const { port, uiPort } = this.trial.temporal;
    const order: KeeperOrder = {
      port,
      uiPort,
      dbFile: join(this.trial.data, 'temporal.sqlite'),
      logFile: join(this.trial.data, 'logs', 'temporal.log'),
      uiCodecEndpoint: codecPage(this.trial),
    };
    const keeper = fork(join(PACKAGE_ROOT, 'dist', 'cli', 'trial', 'temporal-keeper.js'), [JSON.stringify(order)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.keeper = keeper;
    keeper.once('exit', (code, signal) => {
      if (!this.stopping)
        this.tell(`the Temporal server ended (${signal ?? `exit code ${code}`}); sites go on selling`);
    });
    const address = await this.ready(keeper, order);
    this.tell(`Temporal serves at ${address}, its UI at ${this.trial.temporal.uiUrl}`);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const { keeper } = this;
    if (!keeper || keeper.exitCode !== null || keeper.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => keeper.once('exit', () => resolve()));
    if (keeper.connected) keeper.disconnect();
    const overdue = setTimeout(() => keeper.kill('SIGKILL'), KEEPER_STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(overdue);
  }

  private ready(keeper: ChildProcess, order: KeeperOrder): Promise<string> {
    return new Promise((resolve, reject) => {
      keeper.on('message', (message: KeeperMessage) => {
        if (message.kind === 'progress') this.tell(`Temporal: ${message.line}`);
        else if (message.kind === 'ready') resolve(message.address);
        else reject(failed(`the Temporal server can't be started: ${message.reason} (its log: ${order.logFile})`));
      });
      keeper.once('error', reject);
      keeper.once('exit', (code, signal) => {
        reject(
          failed(`the Temporal server ended before it served (${signal ?? `exit code ${code}`}): see ${order.logFile}`),
        );
      });
    });
  }
}
