/** The serving process of the bench: one site, and the delay of its event loop inside the window that it is told of. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { loadConfig } from '../../workers/config';
import { startSite } from '../../workers/site';
import { installTemporalLog } from '../../workers/temporal-log';
import { createLogger } from '../../workers/log';

/** How finely the delay is sampled, milliseconds. */
const RESOLUTION_MS = 1;
const NANOSECONDS_PER_MS = 1e6;

export type Command = 'begin' | 'end' | 'stop';
export interface LoopDelay {
  /** Milliseconds that the event loop was late, 99 % and at most. */
  readonly p99: number;
  readonly max: number;
  readonly samples: number;
}
export type Message = { readonly ready: string } | { readonly delay: LoopDelay };

async function main(): Promise<void> {
  const config = loadConfig(process.argv[2] ?? '');
  installTemporalLog(createLogger(config));
  const site = await startSite(config);
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const tell = (message: Message) => void process.send?.(message);
  process.on('message', (command: Command) => {
    if (command === 'begin') {
      histogram.reset();
      histogram.enable();
    } else if (command === 'end') {
      histogram.disable();
      const ms = (nanoseconds: number) => Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
      tell({ delay: { p99: ms(histogram.percentile(99)), max: ms(histogram.max), samples: histogram.count } });
    } else {
      void site.stop().then(() => process.disconnect());
    }
  });
  tell({ ready: site.url });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
