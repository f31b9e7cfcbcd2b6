/** Triggers of pushes: at a time, every so often, after so many changes; and a site's own request. */
import { z } from 'zod';
import { type StoredTrigger, findTrigger, listTriggers, setTrigger, setTriggerState } from '../db/catalog/triggers';
import { loadTopology, requirePrimacy } from '../db/topology';
import {
  CHANGES_MAX,
  EVERY_SECONDS_MAX,
  EVERY_SECONDS_MIN,
  type TriggerSpec,
  type TriggerState,
  formatScheduleId,
  isScheduled,
  triggerProblem,
} from '../domain/catalog-triggers';
import { parentOf } from '../domain/sites';
import { type CatalogPushInput } from '../domain/workflow-inputs';
import { formatWorkflowId } from '../domain/workflow-ids';
import { catalogParams, draftQuery } from './catalog-schemas';
import { AT_THE_PRIMARY, requirePrimaryHere } from './primary';
import { Problem, notFound } from './problems';
import { STAFF, type Reply, type Route, type RouteRequest, route } from './route';
import { nameSchema, noBody, noQuery, pageOf, time } from './schemas';
import { acceptedSchema, startWorkflow } from './workflow-requests';

const TRIGGERS = '/v1/stores/{store}/catalogs/{catalog}/triggers';
const TRIGGER = `${TRIGGERS}/{trigger}`;

const triggerParams = catalogParams.extend({ trigger: nameSchema });

const times = {
  at: z.iso.datetime({ offset: true }).optional().describe('Once.'),
  everySeconds: z.number().int().min(EVERY_SECONDS_MIN).max(EVERY_SECONDS_MAX).optional().describe('Again and again.'),
  changes: z.number().int().min(1).max(CHANGES_MAX).optional().describe('As soon as the draft holds so many changes.'),
};
const wantedSchema = z
  .strictObject({ ...times, ...draftQuery.shape })
  .refine(
    ({ at, everySeconds, changes }) => [at, everySeconds, changes].filter((one) => one !== undefined).length === 1,
    'name one of at, everySeconds and changes',
  )
  .meta({ id: 'WantedTrigger', example: { everySeconds: 3600, draft: 'next' } });

const triggerSchema = z
  .object({
    trigger: z.string(),
    draft: z.string(),
    state: z.enum(['active', 'paused', 'fired']),
    ...times,
    schedule: z.string().nullable().describe("Its id among Temporal's schedules."),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Trigger' });

function shown(stored: StoredTrigger): z.output<typeof triggerSchema> {
  const { trigger, draft, state, spec, updatedAt } = stored;
  return {
    ...{ trigger, draft, state: state as Exclude<TriggerState, 'removed'>, updatedAt: time(updatedAt) },
    ...(spec.kind === 'at' ? { at: time(spec.at) } : {}),
    ...(spec.kind === 'every' ? { everySeconds: spec.everySeconds } : {}),
    ...(spec.kind === 'changes' ? { changes: spec.changes } : {}),
    schedule: isScheduled(spec) ? formatScheduleId(stored) : null,
  };
}

/** The schema sees to it that one is given. */
function specOf({ at, everySeconds, changes = 0 }: z.output<typeof wantedSchema>): TriggerSpec {
  if (at !== undefined) return { kind: 'at', at: Date.parse(at) };
  return everySeconds === undefined ? { kind: 'changes', changes } : { kind: 'every', everySeconds };
}

function stateRoute(
  method: 'post' | 'delete',
  path: string,
  operationId: string,
  summary: string,
  state: TriggerState,
): Route {
  const done =
    state === 'removed'
      ? { 204: { description: 'It is gone.' } }
      : { 200: { description: 'The trigger.', schema: triggerSchema } };
  return route({
    ...{ method, path, operationId, summary, tag: 'catalog', roles: STAFF },
    ...{ params: triggerParams, query: noQuery, body: noBody, idempotent: true },
    responses: { ...done, 404: { description: 'No such trigger.' }, ...AT_THE_PRIMARY },
    handle: (request) => changed(request, state),
  });
}

export const catalogTriggerRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: TRIGGERS,
    tag: 'catalog',
    operationId: 'listTriggers',
    summary: 'What pushes drafts of a catalogue without being asked each time',
    roles: STAFF,
    params: catalogParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The triggers.', schema: pageOf(triggerSchema) } },
    handle: async ({ context, store, params }) => {
      const triggers = await listTriggers(context.db, store.store, params.catalog);
      return { status: 200, body: { items: triggers.map(shown), next: null } };
    },
  }),
  route({
    method: 'put',
    path: TRIGGER,
    tag: 'catalog',
    operationId: 'setTrigger',
    summary: 'Set a trigger, whatever it was: at a time, every so often, or after so many changes of its draft',
    roles: STAFF,
    params: triggerParams,
    query: noQuery,
    body: wantedSchema,
    idempotent: true,
    responses: {
      200: { description: 'The trigger.', schema: triggerSchema },
      400: { description: 'It can never fire.' },
      ...AT_THE_PRIMARY,
    },
    handle: (request) => {
      const { context, body } = request;
      const spec = specOf(body);
      const problem = triggerProblem(spec, context.runtime.clock.now());
      if (problem !== null) throw new Problem(400, 'invalid-request', problem);
      return changed(request, 'active', { spec, draft: body.draft });
    },
  }),
  stateRoute('delete', TRIGGER, 'removeTrigger', 'Remove a trigger', 'removed'),
  stateRoute('post', `${TRIGGER}/pauses`, 'pauseTrigger', 'Let a trigger rest', 'paused'),
  stateRoute('delete', `${TRIGGER}/pauses`, 'resumeTrigger', 'Let a trigger go on', 'active'),
  route({
    method: 'post',
    path: '/v1/stores/{store}/catalogs/{catalog}/requests',
    tag: 'catalog',
    operationId: 'requestCatalog',
    summary: "Ask this site's parent for what is published (workflow catalogPush, for this site alone)",
    roles: STAFF,
    params: catalogParams,
    query: noQuery,
    body: noBody,
    idempotent: true,
    responses: {
      202: { description: 'Started, or queued while Temporal is away.', schema: acceptedSchema },
      409: { description: 'This is the primary: it has no parent to ask.' },
    },
    handle: requestCatalog,
  }),
];

/** The relay tells Temporal; while that is away the trigger waits to be told. */
async function changed(
  request: RouteRequest<{ catalog: string; trigger: string }, unknown, unknown>,
  state: TriggerState,
  wanted?: { spec: TriggerSpec; draft: string },
): Promise<Reply> {
  const { epoch } = await requirePrimaryHere(request);
  const { context, params } = request;
  const { store } = request.store;
  const key = { store, catalog: params.catalog, trigger: params.trigger };
  const now = context.runtime.clock.now();
  await context.db.transaction(async (tx) => {
    await requirePrimacy(tx, store, epoch);
    if (wanted) await setTrigger(tx, { ...key, ...wanted, state }, now);
    else if (!(await setTriggerState(tx, key, state, now))) {
      throw notFound(`catalogue "${key.catalog}" has no trigger "${key.trigger}"`);
    }
    tx.afterCommit(context.outboxHasWork);
  });
  if (state === 'removed') return { status: 204 };
  const stored = await findTrigger(context.db, key);
  if (!stored) throw notFound(`catalogue "${key.catalog}" has no trigger "${key.trigger}" any more`);
  return { status: 200, body: shown(stored) };
}

async function requestCatalog(request: RouteRequest<{ catalog: string }, unknown, unknown>): Promise<Reply> {
  const { context, store, params } = request;
  const { topology, site } = await loadTopology(context.db, store.store);
  const parent = parentOf(topology, site);
  if (!parent) throw new Problem(409, 'no-parent', `site "${site}" is the primary: it publishes, with POST …/pushes`);
  const id = { store: store.store, catalog: params.catalog, request: context.runtime.ids.uuid() };
  const input: CatalogPushInput = {
    ...{ ...id, topology, only: { sites: [site] }, requestedAt: site },
    ...(parent.site === topology.primary ? {} : { publisher: parent.site }),
  };
  const workflowId = formatWorkflowId('catalogPush', id);
  return startWorkflow(request, { kind: 'catalogPush', workflowId, input, epoch: topology.epoch });
}
