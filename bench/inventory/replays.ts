/** Replays in threads of their own, as many at a time as there are processors: each keeps one busy for many seconds. */
import { availableParallelism } from 'node:os';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type OrderBook } from '../../cli/simulation/order-file';
import { type Measures, type Scenario, replay } from '../../cli/simulation/replay';

interface Work {
  readonly book: OrderBook;
  readonly scenario: Omit<Scenario, 'onMove'>;
}

/** What each scenario comes to, in their order. */
export async function replayAll(book: OrderBook, scenarios: readonly Work['scenario'][]): Promise<Measures[]> {
  const measured: Measures[] = [];
  const rest = scenarios.entries();
  const thread = async () => {
    for (const [index, scenario] of rest) measured[index] = await replayApart({ book, scenario });
  };
  await Promise.all(Array.from({ length: availableParallelism() }, thread));
  return measured;
}

function replayApart(work: Work): Promise<Measures> {
  return new Promise((resolve, reject) => {
    new Worker(__filename, { workerData: work }).once('message', resolve).once('error', reject);
  });
}

if (!isMainThread) {
  const { book, scenario } = workerData as Work;
  parentPort?.postMessage(replay(book, scenario));
}
