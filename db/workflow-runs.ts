/** Workflows asked for through the API; status is answered from here, for Temporal forgets closed workflows. */
import { type WorkflowType, parseWorkflowId } from '../domain/workflow-ids';
import { type Statements, type Transaction } from './database';
import { insertIfAbsent } from './dialect';
import { enqueue } from './outbox';

/** queued: asked, not yet known to Temporal; then as the workflow reports. */
export type WorkflowRunState = 'queued' | 'running' | 'held' | 'completed' | 'failed';

export interface WorkflowRun {
  readonly workflowId: string;
  readonly kind: WorkflowType;
  readonly state: WorkflowRunState;
  readonly input: unknown;
  readonly result: unknown;
  readonly requestedBy: string;
  /** Milliseconds UTC. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

interface WorkflowRunRow {
  workflow_id: string;
  kind: WorkflowType;
  state: WorkflowRunState;
  input: string;
  result: string | null;
  requested_by: string;
  created_at: number;
  updated_at: number;
}

export interface WorkflowRequest {
  readonly store: string;
  readonly workflowId: string;
  readonly kind: WorkflowType;
  /** The workflow's one argument. */
  readonly input: unknown;
  readonly requestedBy: string;
  readonly epoch: number;
  readonly outboxId: string;
  readonly traceContext: string | null;
  readonly now: number;
}

/** Asks for a workflow: the row and its outbox entry; asking again for the same id changes nothing. */
export async function requestWorkflow(tx: Transaction, request: WorkflowRequest): Promise<void> {
  if (await noteRun(tx, request)) await offer(tx, request);
}

/** As requestWorkflow, of one that runs for as long as its subject is there: asked again, it is told again. */
export async function requestEntity(tx: Transaction, request: WorkflowRequest): Promise<void> {
  await noteRun(tx, request);
  await offer(tx, request);
}

/** True when it was not asked for before. */
function noteRun(tx: Transaction, request: WorkflowRequest): Promise<boolean> {
  const { store, workflowId, kind, input, requestedBy, now } = request;
  const rest = { kind, state: 'queued', input: JSON.stringify(input), requested_by: requestedBy };
  const row = { ...rest, created_at: now, updated_at: now };
  return insertIfAbsent(tx, 'workflow_runs', { store, workflow_id: workflowId }, row);
}

function offer(tx: Transaction, request: WorkflowRequest): Promise<void> {
  const { store, outboxId, workflowId: subject, epoch, traceContext, now: createdAt } = request;
  return enqueue(tx, {
    store,
    outboxId,
    destination: 'temporal',
    kind: 'workflow',
    subject,
    epoch,
    traceContext,
    createdAt,
  });
}

const COLUMNS = 'workflow_id, kind, state, input, result, requested_by, created_at, updated_at';

function workflowRun(row: WorkflowRunRow): WorkflowRun {
  return {
    workflowId: row.workflow_id,
    kind: row.kind,
    state: row.state,
    input: JSON.parse(row.input) as unknown,
    result: row.result === null ? null : (JSON.parse(row.result) as unknown),
    requestedBy: row.requested_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findWorkflowRun(
  reads: Statements,
  store: string,
  workflowId: string,
): Promise<WorkflowRun | undefined> {
  const row = await reads.get<WorkflowRunRow>(
    `SELECT ${COLUMNS} FROM workflow_runs WHERE store = ? AND workflow_id = ?`,
    [store, workflowId],
  );
  return row && workflowRun(row);
}

/** Newest first; `after` is the creation time and id of the last row of the page before. */
export async function listWorkflowRuns(
  reads: Statements,
  store: string,
  limit: number,
  after?: { createdAt: number; workflowId: string },
): Promise<WorkflowRun[]> {
  const { createdAt, workflowId } = after ?? { createdAt: Number.MAX_SAFE_INTEGER, workflowId: '' };
  const rows = await reads.all<WorkflowRunRow>(
    `SELECT ${COLUMNS} FROM workflow_runs
     WHERE store = ? AND (created_at < ? OR (created_at = ? AND workflow_id > ?))
     ORDER BY created_at DESC, workflow_id LIMIT ${limit}`,
    [store, createdAt, createdAt, workflowId],
  );
  return rows.map(workflowRun);
}

/** Temporal has taken it. Guarded: the workflow may have reported more of itself meanwhile. */
export async function recordWorkflowStarted(
  tx: Transaction,
  store: string,
  workflowId: string,
  now: number,
): Promise<void> {
  await tx.run(
    "UPDATE workflow_runs SET state = 'running', updated_at = ? WHERE store = ? AND workflow_id = ? AND state = 'queued'",
    [now, store, workflowId],
  );
}

/** Records what a workflow reports of itself; `result` is JSON, or null to leave what is there. */
export async function recordWorkflowState(
  tx: Transaction,
  store: string,
  workflowId: string,
  state: WorkflowRunState,
  result: string | null,
  now: number,
): Promise<void> {
  const known = await tx.run(
    'UPDATE workflow_runs SET state = ?, result = COALESCE(?, result), updated_at = ? WHERE store = ? AND workflow_id = ?',
    [state, result, now, store, workflowId],
  );
  const about = parseWorkflowId(workflowId);
  if (known > 0 || !about) return;
  // A schedule has started it, which asks nobody.
  await insertIfAbsent(
    tx,
    'workflow_runs',
    { store, workflow_id: workflowId },
    { kind: about.type, state, input: '{}', result, requested_by: 'schedule', created_at: now, updated_at: now },
  );
}
