/**
 * Runs the real workflow code, from the bundle that workers run, in the SDK's own sandbox, without a server: jobs in,
 * commands out, as the SDK's worker does with what its core hands it.
 */
import { readFileSync } from 'node:fs';
import { TypedSearchAttributes, defaultPayloadConverter, toPayloads } from '@temporalio/common';
import { type coresdk } from '@temporalio/proto';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm';
import { globalHandlers } from '@temporalio/worker/lib/workflow/vm-shared';
import { type Workflow } from '@temporalio/worker/lib/workflow/interface';
import { type WorkflowInfo } from '@temporalio/workflow';
import Long from 'long';
import { WORKFLOW_QUEUE } from '../../../domain/queues';

export type Job = coresdk.workflow_activation.IWorkflowActivationJob;
export type Command = coresdk.workflow_commands.IWorkflowCommand;

/** One turn of workflow code may take so long, milliseconds. */
const TURN_TIMEOUT_MS = 30_000;
/** Flags of the SDK that a new workflow has: all of those that this release knows. */
const SDK_FLAGS = [1, 2, 3, 4, 5];
const NO_SOURCE_MAP = { version: 3, sources: [], names: [], mappings: '' } as const;

export interface RunToBegin {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: string;
  readonly args: readonly unknown[];
  /** Milliseconds UTC. */
  readonly now: number;
  readonly seed: number;
}

/** A workflow's code could not go on: on a real server its task would be tried for ever. */
export class WorkflowTaskError extends Error {}

export class Sandbox {
  private constructor(private readonly creator: ReusableVMWorkflowCreator) {}

  /** `bundle`: the file of the bundled workflow code. */
  static async open(bundle: string): Promise<Sandbox> {
    // Else every promise of this process is followed for the sake of stack traces, which takes twice the time.
    Object.assign(globalHandlers, { installed: true });
    const code = readFileSync(bundle, 'utf8');
    const filename = 'workflow-bundle.js';
    const sourceMap = { ...NO_SOURCE_MAP, file: filename, sources: [], names: [] };
    return new Sandbox(
      await ReusableVMWorkflowCreator.create({ code, filename, sourceMap }, TURN_TIMEOUT_MS, new Set(), undefined),
    );
  }

  async begin(run: RunToBegin): Promise<SandboxedRun> {
    const { workflowId, runId, type, now, seed } = run;
    const info = {
      ...{ workflowId, runId, workflowType: type, searchAttributes: {} },
      typedSearchAttributes: new TypedSearchAttributes(),
      ...{ taskQueue: WORKFLOW_QUEUE, namespace: 'default', firstExecutionRunId: runId, originalExecutionRunId: runId },
      ...{ startTime: new Date(now), runStartTime: new Date(now), taskTimeoutMs: TURN_TIMEOUT_MS, attempt: 1 },
      ...{ historyLength: 1, historySize: 1, continueAsNewSuggested: false },
      ...{ targetWorkerDeploymentVersionChanged: false, currentBuildId: '' },
      unsafe: { now: () => now, isReplaying: false, isReplayingHistoryEvents: false, random: {} },
    } as unknown as WorkflowInfo;
    const randomnessSeed = Long.fromNumber(seed, true);
    const workflow = await this.creator.createWorkflow({
      info,
      randomnessSeed: randomnessSeed.toBytes(),
      now,
      showStackTraceSources: false,
      failureExceptionTypeNames: [],
    });
    return new SandboxedRun(workflow, run, {
      ...{ workflowType: type, workflowId, randomnessSeed, headers: {}, firstExecutionRunId: runId, attempt: 1 },
      ...{ arguments: toPayloads(defaultPayloadConverter, ...run.args) ?? [], startTime: timestamp(now) },
    });
  }
}

export class SandboxedRun {
  private turns = 0;
  private begun = false;

  constructor(
    private readonly workflow: Workflow,
    private readonly run: RunToBegin,
    private readonly beginning: coresdk.workflow_activation.IInitializeWorkflow,
  ) {}

  /** One turn: what has happened goes in; what the workflow wants comes out. */
  async turn(happened: readonly Job[], now: number): Promise<readonly Command[]> {
    const jobs = this.begun ? [...happened] : [{ initializeWorkflow: this.beginning }, ...happened];
    this.begun = true;
    this.turns++;
    const completion = await this.workflow.activate({
      ...{ runId: this.run.runId, timestamp: timestamp(now), isReplaying: false, jobs },
      ...{ historyLength: this.turns * 3, historySizeBytes: Long.fromNumber(this.turns * 1000) },
      ...{ availableInternalFlags: SDK_FLAGS },
    });
    await this.workflow.getAndResetSinkCalls();
    const failure = completion.failed?.failure;
    if (failure)
      throw new WorkflowTaskError(`${this.run.workflowId}: ${failure.message ?? ''}\n${failure.stackTrace ?? ''}`);
    return completion.successful?.commands ?? [];
  }

  dispose(): Promise<void> {
    return this.workflow.dispose();
  }
}

function timestamp(milliseconds: number): { seconds: Long; nanos: number } {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: Long.fromNumber(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 };
}
