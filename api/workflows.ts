import { z } from 'zod';
import { workflowPage, type SiteContext } from '../activities/context';
import { type WorkflowRun, findWorkflowRun, listWorkflowRuns } from '../db/workflow-runs';
import { Problem, notFound } from './problems';
import { type Route, route } from './route';
import {
  idSchema,
  nameSchema,
  noBody,
  noQuery,
  pageOf,
  pageQuery,
  readCursor,
  storeParams,
  time,
  writeCursor,
} from './schemas';

const runSchema = z
  .object({
    workflowId: z.string(),
    kind: z.string(),
    state: z.enum(['queued', 'running', 'held', 'completed', 'failed']),
    result: z.unknown().nullable(),
    requestedBy: z.string(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    temporalUi: z.url(),
  })
  .meta({ id: 'WorkflowRun' });

const cursorSchema = z.strictObject({ createdAt: z.number().int(), workflowId: z.string() });

function shown(context: SiteContext, run: WorkflowRun): z.output<typeof runSchema> {
  return {
    workflowId: run.workflowId,
    kind: run.kind,
    state: run.state,
    result: run.result,
    requestedBy: run.requestedBy,
    createdAt: time(run.createdAt),
    updatedAt: time(run.updatedAt),
    temporalUi: workflowPage(context, run.workflowId),
  };
}

export const workflowRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/workflows',
    tag: 'workflows',
    operationId: 'listWorkflows',
    summary: 'Workflows that were asked for here, newest first',
    roles: ['integrator', 'operator'],
    params: storeParams,
    query: pageQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of workflows.', schema: pageOf(runSchema) } },
    handle: async ({ context, store, query }) => {
      const after = query.after === undefined ? undefined : readCursor(query.after, cursorSchema);
      if (after === null)
        throw new Problem(400, 'invalid-cursor', `"${String(query.after)}" is no cursor of this list`);
      const runs = await listWorkflowRuns(context.db, store.store, query.limit, after);
      const last = runs.length === query.limit ? runs.at(-1) : undefined;
      const next = last ? writeCursor({ createdAt: last.createdAt, workflowId: last.workflowId }) : null;
      return { status: 200, body: { items: runs.map((run) => shown(context, run)), next } };
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/workflows/{workflowId}',
    tag: 'workflows',
    operationId: 'getWorkflow',
    summary: 'Where a workflow stands; its id is percent-encoded, for it holds slashes',
    roles: ['buyer', 'integrator', 'operator'],
    params: z.strictObject({ store: nameSchema, workflowId: idSchema }),
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The workflow.', schema: runSchema }, 404: { description: 'No such workflow.' } },
    handle: async ({ context, store, params }) => {
      const run = await findWorkflowRun(context.db, store.store, params.workflowId);
      if (!run) throw notFound(`no workflow "${params.workflowId}" was asked for at site "${context.site}"`);
      return { status: 200, body: shown(context, run) };
    },
  }),
];
