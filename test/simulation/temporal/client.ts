/** What a site's relay and link hold of Temporal: the calls that they make, over a way where requests and answers get lost. */
import { type Client, type WithStartWorkflowOperation } from '@temporalio/client';
import { type Workflow } from '@temporalio/common';
import { type Counters } from '../counters';
import { type Life } from '../scheduler';
import { type Weather } from '../weather';
import { type TemporalServer } from './server';

export interface WayToTemporal {
  readonly life: Life;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly server: TemporalServer;
  /** Is the way there open, and the way back? */
  readonly speaks: () => boolean;
  readonly hears: () => boolean;
}

/** How long a call waits for its answer, milliseconds. */
const CALL_TIMEOUT_MS = 10_000;

export function temporalClient(way: WayToTemporal): Client {
  const client = {
    withDeadline: <T>(_deadline: number, call: () => Promise<T>) => call(),
    workflow: {
      start: (type: string, { workflowId, args }: { workflowId: string; args: unknown[] }) =>
        over(way, `start ${type}`, async () => way.server.start({ type, workflowId, args })),
      signalWithStart: (
        type: string,
        { workflowId, args, signal }: { workflowId: string; args: unknown[]; signal: string },
      ) =>
        over(way, `start or tell ${type}`, async () => {
          way.server.start({ type, workflowId, args });
          way.server.signal(workflowId, signal, []);
        }),
      executeUpdateWithStart: (
        name: string,
        {
          startWorkflowOperation,
          args,
        }: { startWorkflowOperation: WithStartWorkflowOperation<Workflow>; args: unknown[] },
      ) => {
        const { workflowTypeOrFunc, options } = startWorkflowOperation;
        const { workflowId, args: input } = options as { workflowId: string; args: unknown[] };
        return over(way, `update ${name}`, () => {
          way.server.start({ type: String(workflowTypeOrFunc), workflowId, args: input });
          return way.server.update(workflowId, name, args);
        });
      },
    },
  };
  return client as unknown as Client;
}

/** A call: its request may be lost, or its answer; then the caller waits in vain. */
async function over<T>(
  { life, weather, counters, server, speaks, hears }: WayToTemporal,
  what: string,
  call: () => Promise<T>,
) {
  const { scheduler } = life;
  await scheduler.wait(life, `call ${what}`);
  const lost = scheduler.dice.chance(weather.lostRequest);
  if (lost) counters.happened('request lost');
  if (lost || !server.up || !speaks()) return inVain(life, what);
  const answer = await call();
  await scheduler.wait(life, `answer of ${what}`);
  const unheard = scheduler.dice.chance(weather.lostAnswer);
  if (unheard) counters.happened('answer lost');
  if (unheard || !hears()) return inVain(life, what);
  return answer;
}

async function inVain(life: Life, what: string): Promise<never> {
  await life.scheduler.wait(life, `time-out of ${what}`, { delay: CALL_TIMEOUT_MS });
  throw new Error(`${what}: no answer in time`);
}
