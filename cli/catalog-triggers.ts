/** `entrepot catalog trigger set|list|pause|resume|remove`, `entrepot catalog request`. */
import { type CatalogOptions, type DraftOptions } from './catalog';
import { type Trigger, type TriggerTimes } from './catalog-api';
import { catalogApi } from './catalog-drafts';
import { wrongUsage } from './exit-codes';
import { formatTime, print, printJson, printList } from './output';

export type TriggerOptions = DraftOptions & {
  readonly at?: string;
  readonly every?: number;
  readonly afterChanges?: number;
};

export async function runTriggerSet(name: string, options: TriggerOptions): Promise<void> {
  const { draft, at, every, afterChanges } = options;
  if ([at, every, afterChanges].filter((given) => given !== undefined).length !== 1) {
    throw wrongUsage('when? give one of --at, --every and --after-changes');
  }
  const times: TriggerTimes = {
    ...(at === undefined ? {} : { at }),
    ...(every === undefined ? {} : { everySeconds: every }),
    ...(afterChanges === undefined ? {} : { changes: afterChanges }),
  };
  show(options, await catalogApi(options).setTrigger(name, draft, times));
}

export async function runTriggerPause(name: string, paused: boolean, options: CatalogOptions): Promise<void> {
  show(options, await catalogApi(options).pauseTrigger(name, paused));
}

export async function runTriggerRemove(name: string, options: CatalogOptions): Promise<void> {
  await catalogApi(options).removeTrigger(name);
  if (options.json) printJson({ removed: name });
  else print(`trigger ${name} is removed`);
}

export async function runTriggers(options: CatalogOptions): Promise<void> {
  const triggers = await catalogApi(options).triggers();
  printList(
    options.json,
    triggers,
    ['trigger', 'draft', 'state', 'when', 'schedule in Temporal'],
    triggers.map((trigger) => [trigger.trigger, trigger.draft, trigger.state, when(trigger), trigger.schedule]),
    'no trigger is set',
  );
}

export async function runRequest(options: CatalogOptions): Promise<void> {
  const workflowId = await catalogApi(options).request();
  if (options.json) printJson({ workflowId });
  else print(`asked for: workflow ${workflowId}`);
}

function show({ json }: CatalogOptions, trigger: Trigger): void {
  if (json) printJson(trigger);
  else print(`trigger ${trigger.trigger} of draft ${trigger.draft} is ${trigger.state}: ${when(trigger)}`);
}

function when({ at, everySeconds, changes }: Trigger): string {
  if (at !== undefined) return `at ${formatTime(at)}`;
  return everySeconds === undefined ? `after ${changes ?? 0} changes` : `every ${everySeconds} s`;
}
