/** When a draft is published and pushed: at a time, every so often, or when it holds so many changes (figure 6). */

export type TriggerSpec =
  /** Once, milliseconds UTC. */
  | { readonly kind: 'at'; readonly at: number }
  /** Again and again, whole seconds, counted from midnight UTC. */
  | { readonly kind: 'every'; readonly everySeconds: number }
  /** As soon as the draft holds so many changes. */
  | { readonly kind: 'changes'; readonly changes: number };

/** `fired`: a time that has come. */
export type TriggerState = 'active' | 'paused' | 'fired' | 'removed';

export interface TriggerName {
  readonly store: string;
  readonly catalog: string;
  readonly trigger: string;
}

export interface CatalogTrigger extends TriggerName {
  readonly draft: string;
  readonly spec: TriggerSpec;
  readonly state: TriggerState;
}

/** More often a schedule would start pushes faster than sites confirm them. */
export const EVERY_SECONDS_MIN = 10;
export const EVERY_SECONDS_MAX = 366 * 86_400;
export const CHANGES_MAX = 1_000_000;

/** Why the trigger can't be set; null when it can. `now` is milliseconds UTC. */
export function triggerProblem(spec: TriggerSpec, now: number): string | null {
  if (spec.kind !== 'at' || spec.at > now) return null;
  return `at is ${new Date(spec.at).toISOString()}, which is over: name a time to come, or push at once`;
}

/** Temporal's schedules stand for times; changes are counted where they are drafted. */
export function isScheduled({ kind }: TriggerSpec): boolean {
  return kind !== 'changes';
}

/** How many changes of its draft a trigger waits for; null for one that does not count, or rests. */
export function changesAwaited({ spec, state }: CatalogTrigger): number | null {
  return state === 'active' && spec.kind === 'changes' ? spec.changes : null;
}

/** The schedule's id in Temporal, under which an operator finds it. */
export function formatScheduleId({
  store,
  catalog,
  trigger,
}: Omit<CatalogTrigger, 'draft' | 'spec' | 'state'>): string {
  return `catalogPush/${store}/${catalog}/${trigger}`;
}
