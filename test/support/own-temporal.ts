/** A Temporal server that one test has to itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporal, startTemporalServer } from '../../workers/temporal-server';
import { TEMPORAL_NAMESPACE, freePort } from './servers';
import { noteOwnServer } from './temporal-use';

/** To be killed, or cut off. */
export class OwnTemporal {
  readonly folder = mkdtempSync(join(tmpdir(), 'entrepot-faults-'));
  private server: Awaited<ReturnType<typeof startTemporalServer>> | undefined;

  private constructor(
    private readonly binary: string,
    readonly port: number,
    private readonly uiPort: number,
  ) {}

  static async create(): Promise<OwnTemporal> {
    const found = await findTemporal({ env: { ...process.env, TEMPORAL_ADDRESS: undefined } });
    if (found.kind === 'address') throw new Error("a server elsewhere can't be killed");
    return new OwnTemporal(found.path, await freePort(), await freePort());
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.server = await startTemporalServer({
      ...{ binary: this.binary, port: this.port, uiPort: this.uiPort, namespace: TEMPORAL_NAMESPACE },
      ...{ dbFile: join(this.folder, 'temporal.sqlite'), logFile: join(this.folder, 'temporal.log') },
    });
  }

  async kill(): Promise<void> {
    if (!this.server) return;
    process.kill(this.server.pid, 'SIGKILL');
    await this.server.exited;
    this.server = undefined;
  }

  async remove(): Promise<void> {
    if (this.server) await noteOwnServer(this.server.address);
    await this.server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
