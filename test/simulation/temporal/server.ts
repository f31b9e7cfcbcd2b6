/**
 * A Temporal server as far as the workflows ask for one: executions by their ids, activities, timers, signals, updates.
 * It keeps everything in memory and loses nothing, as Temporal must; it may be away, and what goes to it or comes from it
 * may be lost on the way.
 */
import { WorkflowExecutionAlreadyStartedError, defaultPayloadConverter, toPayloads } from '@temporalio/common';
import { type Counters } from '../counters';
import { type Life, type Scheduler } from '../scheduler';
import { type Weather } from '../weather';
import { ActivityTask, type TaskSurroundings, type Worker } from './activity-tasks';
import { type Command, type Job, type Sandbox, type SandboxedRun } from './sandbox';

export interface TemporalSurroundings {
  readonly scheduler: Scheduler;
  /** Temporal's own: it never ends. */
  readonly life: Life;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly sandbox: Sandbox;
  readonly workerOf: (queue: string) => Worker | undefined;
  /** Is there anybody to run workflow code? */
  readonly workflowWorker: () => boolean;
  readonly note: (who: string, what: string) => void;
  readonly answered: TaskSurroundings['answered'];
}

export interface StartRequest {
  readonly type: string;
  readonly workflowId: string;
  readonly args: readonly unknown[];
}

/** Of capabilities that the simulation does not run: they are taken, and nothing comes of them. */
const NOT_RUN: ReadonlySet<string> = new Set(['catalogPush', 'catalogDelivery']);

/** They run for as long as there is what they are about. */
const ENDLESS: ReadonlySet<string> = new Set(['storeTopology', 'inventoryReplenishment']);

interface Execution {
  readonly request: StartRequest;
  readonly runId: string;
  readonly run: Promise<SandboxedRun> | null;
  state: 'running' | 'completed' | 'failed';
  /** What has happened and the workflow has not yet been told. */
  happened: Job[];
  taskQueued: boolean;
  readonly activities: Map<number, ActivityTask>;
  readonly timers: Map<number, () => void>;
  readonly updates: Map<string, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>;
  result: unknown;
}

export class TemporalServer {
  up = true;
  private readonly executions = new Map<string, Execution>();
  private runs = 0;

  constructor(private readonly around: TemporalSurroundings) {}

  /** As a start with ALLOW_DUPLICATE_FAILED_ONLY and USE_EXISTING: answers once it is durable. */
  start(request: StartRequest): void {
    const known = this.executions.get(request.workflowId);
    if (known?.state === 'running') {
      if (request.type === 'purchaseOrderDelivery') this.around.counters.happened('batch offered again');
      return;
    }
    if (known?.state === 'completed') {
      throw new WorkflowExecutionAlreadyStartedError('already started', request.workflowId, request.type);
    }
    this.begin(request);
  }

  signal(workflowId: string, signalName: string, input: readonly unknown[]): boolean {
    const execution = this.executions.get(workflowId);
    if (execution?.state !== 'running') return false;
    const payloads = toPayloads(defaultPayloadConverter, ...input) ?? [];
    this.happened(execution, { signalWorkflow: { signalName, input: payloads, headers: {} } });
    return true;
  }

  update(workflowId: string, name: string, args: readonly unknown[]): Promise<unknown> {
    const execution = this.executions.get(workflowId);
    if (execution?.state !== 'running') return Promise.reject(new Error(`${workflowId} does not run`));
    const id = `update-${++this.runs}`;
    const input = toPayloads(defaultPayloadConverter, ...args) ?? [];
    const answer = new Promise((resolve, reject) => execution.updates.set(id, { resolve, reject }));
    const doUpdate = {
      id,
      protocolInstanceId: id,
      name,
      input,
      headers: {},
      runValidator: true,
      meta: { updateId: id },
    };
    this.happened(execution, { doUpdate });
    return answer;
  }

  /** Executions that have not come to an end, but for those that never do. */
  unfinished(): string[] {
    return [...this.executions.values()]
      .filter(({ state, request }) => state === 'running' && !ENDLESS.has(request.type) && !NOT_RUN.has(request.type))
      .map(({ request }) => request.workflowId);
  }

  failed(): string[] {
    return [...this.executions.values()]
      .filter(({ state }) => state === 'failed')
      .map(({ request }) => request.workflowId);
  }

  async close(): Promise<void> {
    for (const { run } of this.executions.values()) await (await run)?.dispose();
  }

  private begin(request: StartRequest): Execution {
    const { scheduler, sandbox, note } = this.around;
    const { workflowId, type, args } = request;
    const runId = `run-${++this.runs}`;
    const execution: Execution = {
      ...{ request, runId, state: 'running', happened: [], taskQueued: false, result: undefined },
      ...{ activities: new Map(), timers: new Map(), updates: new Map() },
      run: NOT_RUN.has(type)
        ? null
        : sandbox.begin({ workflowId, runId, type, args, now: scheduler.now, seed: scheduler.dice.below(2 ** 31) }),
    };
    this.executions.set(workflowId, execution);
    note('temporal', `starts ${workflowId}`);
    this.queueTask(execution);
    return execution;
  }

  private happened(execution: Execution, job: Job): void {
    if (execution.state !== 'running') return;
    execution.happened.push(job);
    this.queueTask(execution);
  }

  private queueTask(execution: Execution): void {
    if (execution.taskQueued || !execution.run) return;
    execution.taskQueued = true;
    const { scheduler, life, workflowWorker } = this.around;
    const ready = () => this.up && workflowWorker();
    const { workflowId } = execution.request;
    scheduler.later(life, `workflow ${workflowId}`, 0, () => this.turn(execution), ready);
  }

  private async turn(execution: Execution): Promise<void> {
    execution.taskQueued = false;
    if (execution.state !== 'running') return;
    const { happened } = execution;
    execution.happened = [];
    const run = await execution.run;
    const commands = (await run?.turn(happened, this.around.scheduler.now)) ?? [];
    for (const command of commands) this.obey(execution, command);
  }

  private obey(execution: Execution, command: Command): void {
    const { scheduler, life } = this.around;
    if (command.scheduleActivity) {
      const schedule = command.scheduleActivity;
      const { workflowId } = execution.request;
      execution.activities.set(schedule.seq ?? 0, new ActivityTask(schedule, workflowId, this.surroundings(execution)));
    } else if (command.requestCancelActivity) {
      execution.activities.get(command.requestCancelActivity.seq ?? 0)?.cancel();
    } else if (command.startTimer) {
      const { seq, startToFireTimeout } = command.startTimer;
      const delay = Number(startToFireTimeout?.seconds ?? 0) * 1000 + (startToFireTimeout?.nanos ?? 0) / 1_000_000;
      const fire = () => this.happened(execution, { fireTimer: { seq: seq ?? 0 } });
      execution.timers.set(
        seq ?? 0,
        scheduler.later(life, 'workflow timer', delay, fire, () => this.up),
      );
    } else if (command.cancelTimer) {
      execution.timers.get(command.cancelTimer.seq ?? 0)?.();
    } else if (command.signalExternalWorkflowExecution) {
      this.passSignal(execution, command.signalExternalWorkflowExecution);
    } else if (command.startChildWorkflowExecution) {
      this.startChild(execution, command.startChildWorkflowExecution);
    } else if (command.updateResponse) {
      this.answerUpdate(execution, command.updateResponse);
    } else if (command.completeWorkflowExecution) {
      this.end(execution, 'completed');
    } else if (command.failWorkflowExecution) {
      const { failure } = command.failWorkflowExecution;
      this.around.note(
        'temporal',
        `${execution.request.workflowId} failed: ${failure?.cause?.message ?? failure?.message}`,
      );
      this.end(execution, 'failed');
    } else if (command.upsertWorkflowSearchAttributes) {
      if (says(command.upsertWorkflowSearchAttributes, 'held')) this.around.counters.happened('workflow held');
    } else if (!command.modifyWorkflowProperties && !command.setPatchMarker) {
      throw new Error(`a workflow asks for what nobody has taught this server: ${Object.keys(command).join(', ')}`);
    }
  }

  private surroundings(execution: Execution): TaskSurroundings {
    return {
      ...this.around,
      up: () => this.up,
      resolve: (job) => this.happened(execution, job),
    };
  }

  private passSignal(
    execution: Execution,
    { seq, workflowExecution, signalName, args }: NonNullable<Command['signalExternalWorkflowExecution']>,
  ): void {
    const target = this.executions.get(workflowExecution?.workflowId ?? '');
    const found = target?.state === 'running';
    if (found) {
      this.happened(target, { signalWorkflow: { signalName: signalName ?? '', input: args ?? [], headers: {} } });
    }
    const failure = found
      ? null
      : { message: 'external workflow not found', applicationFailureInfo: { type: 'NotFound' } };
    this.happened(execution, { resolveSignalExternalWorkflow: { seq: seq ?? 0, failure } });
  }

  /** Of children, only those that their parent leaves to themselves: their end is told to nobody. */
  private startChild(
    execution: Execution,
    { seq, workflowId, workflowType, input }: NonNullable<Command['startChildWorkflowExecution']>,
  ): void {
    const request = { workflowId: workflowId ?? '', type: workflowType ?? '' };
    const known = this.executions.get(request.workflowId);
    const failed = { ...request, workflowType: request.type, cause: WORKFLOW_ALREADY_EXISTS };
    const outcome = known
      ? { failed }
      : { succeeded: { runId: this.begin({ ...request, args: (input ?? []).map(fromPayload) }).runId } };
    this.happened(execution, { resolveChildWorkflowExecutionStart: { seq: seq ?? 0, ...outcome } });
  }

  private answerUpdate(
    { updates }: Execution,
    { protocolInstanceId, rejected, completed }: NonNullable<Command['updateResponse']>,
  ): void {
    const waiting = updates.get(protocolInstanceId ?? '');
    if (rejected) waiting?.reject(new Error(rejected.message ?? 'the update was refused'));
    if (completed) waiting?.resolve(defaultPayloadConverter.fromPayload(completed));
  }

  private end(execution: Execution, state: 'completed' | 'failed'): void {
    execution.state = state;
    for (const callOff of execution.timers.values()) callOff();
    this.around.note('temporal', `${execution.request.workflowId} ${state}`);
  }
}

const WORKFLOW_ALREADY_EXISTS = 1;

function fromPayload(payload: Parameters<typeof defaultPayloadConverter.fromPayload>[0]): unknown {
  return defaultPayloadConverter.fromPayload(payload);
}

/** Does one of the attributes have this value? */
function says({ searchAttributes }: NonNullable<Command['upsertWorkflowSearchAttributes']>, value: string): boolean {
  const payloads = Object.values(searchAttributes?.indexedFields ?? {});
  return payloads.some(({ data }) => Buffer.from(data ?? []).includes(`"${value}"`));
}
