/** Metrics of this process as a whole: CPU, memory, garbage collection, and how late the event loop is. */
import { Registry, collectDefaultMetrics } from 'prom-client';

let registry: Registry | undefined;

/** Begins to measure with the first call; there is one set a process, however many sites it runs. */
export function processMetrics(): Registry {
  if (!registry) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}
