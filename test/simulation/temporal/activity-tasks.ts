/**
 * Activities as Temporal runs them: at least once. A task waits in its queue until a worker polls it; an attempt whose
 * answer does not come is followed by another, and may itself run on beside it.
 */
import {
  ApplicationFailure,
  defaultFailureConverter,
  defaultPayloadConverter,
  fromPayloadsAtIndex,
} from '@temporalio/common';
import { type coresdk, type temporal } from '@temporalio/proto';
import { type Counters } from '../counters';
import { type Life, type Scheduler } from '../scheduler';
import { type Weather } from '../weather';
import { type Job } from './sandbox';

/** A worker: a site's process that asks for the tasks of a queue. */
export interface Worker {
  readonly life: Life;
  /** Calls the activity as the worker does, on the process's behalf. */
  readonly perform: (task: { type: string; workflowId: string; attempt: number }, input: unknown) => Promise<unknown>;
  /** May Temporal reach it, and it Temporal? */
  readonly hears: () => boolean;
  readonly speaks: () => boolean;
}

export interface TaskSurroundings {
  readonly scheduler: Scheduler;
  readonly life: Life;
  readonly weather: Weather;
  readonly counters: Counters;
  /** Is Temporal there? */
  readonly up: () => boolean;
  readonly workerOf: (queue: string) => Worker | undefined;
  /** A workflow hears what became of its activity. */
  readonly resolve: (job: Job) => void;
  readonly note: (who: string, what: string) => void;
  /** An activity's answer, as its worker gave it. */
  readonly answered: (site: string, type: string, input: unknown, answer: unknown) => void;
}

type Schedule = coresdk.workflow_commands.IScheduleActivity;

/** A worker whose answer is lost, and whose death nobody notices before the time limit; the SDK gives up before. */
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 30_000;

export class ActivityTask {
  private static waiting = 0;
  readonly type: string;
  private readonly queue: string;
  private readonly input: unknown;
  private attempts = 0;
  /** The attempt whose answer counts; 0 for none. */
  private current = 0;
  private settled = false;
  private running = 0;
  private answeredBefore = false;
  private callOffTimeout: () => void = () => undefined;

  constructor(
    private readonly schedule: Schedule,
    private readonly workflowId: string,
    private readonly around: TaskSurroundings,
  ) {
    this.type = schedule.activityType ?? '';
    this.queue = schedule.taskQueue ?? '';
    this.input = fromPayloadsAtIndex(defaultPayloadConverter, 0, schedule.arguments ?? []);
    const close = milliseconds(schedule.scheduleToCloseTimeout);
    if (close > 0) around.scheduler.later(around.life, `close ${this.type}`, close, () => this.giveUp());
    this.offer(0);
  }

  /** The workflow wants it no more. An attempt under way runs on: nothing tells it in time. */
  cancel(): void {
    if (this.settled) return;
    const cause = { message: 'Activity cancelled', canceledFailureInfo: {} };
    this.settle({ cancelled: { failure: this.failure(cause) } });
  }

  private offer(delay: number): void {
    const { scheduler, life, up, workerOf } = this.around;
    const enqueuedAt = ++ActivityTask.waiting;
    const attempt = ++this.attempts;
    const ready = () => !this.settled && up() && workerOf(this.queue)?.hears() === true;
    scheduler.later(
      life,
      `task ${this.type} ${this.queue} ${attempt}`,
      delay,
      () => {
        if (enqueuedAt < ActivityTask.waiting) this.around.counters.happened('reorder');
        this.begin(attempt);
      },
      ready,
    );
  }

  private begin(attempt: number): void {
    const { scheduler, life, weather, counters, workerOf, note } = this.around;
    const worker = workerOf(this.queue);
    if (this.settled || !worker) return;
    this.current = attempt;
    if (this.running > 0) counters.happened('late attempt beside its successor');
    if (this.answeredBefore) counters.happened('duplicate');
    const limit = milliseconds(this.schedule.heartbeatTimeout) || milliseconds(this.schedule.startToCloseTimeout);
    this.callOffTimeout = scheduler.later(life, `time-out ${this.type}`, limit, () => this.timedOut(attempt));
    if (scheduler.dice.chance(weather.lostRequest)) {
      // The worker that took it is gone, or was never there.
      counters.happened('request lost');
      return;
    }
    this.running++;
    if (this.type !== 'applyTopology') {
      note(worker.life.name, `begins ${this.type} for ${this.workflowId}, attempt ${attempt}`);
    }
    const task = { type: this.type, workflowId: this.workflowId, attempt };
    const ended = this.whenEnded(worker);
    scheduler.spawn(
      worker.life,
      `activity ${this.type}`,
      () => worker.perform(task, this.input),
      (outcome) => {
        ended();
        if ('value' in outcome) this.around.answered(worker.life.name, this.type, this.input, outcome.value);
        this.send(worker, attempt, outcome);
      },
    );
  }

  /** An attempt is over when it has answered, or when its process is killed. */
  private whenEnded(worker: Worker): () => void {
    let over = false;
    const end = () => {
      if (!over) this.running--;
      over = true;
    };
    const { scheduler, life } = this.around;
    scheduler.later(life, 'end of a process', 0, end, () => over || !worker.life.alive);
    return end;
  }

  /** The answer's way back. */
  private send(worker: Worker, attempt: number, outcome: { value: unknown } | { error: unknown }): void {
    const { scheduler, weather, counters, up } = this.around;
    if ('value' in outcome) this.answeredBefore = true;
    if (scheduler.dice.chance(weather.lostAnswer)) return counters.happened('answer lost');
    const arrive = () => {
      if (this.settled || this.current !== attempt) return;
      if ('value' in outcome) return this.settle({ completed: { result: payload(outcome.value) } });
      this.failed(outcome.error);
    };
    scheduler.later(worker.life, `answer ${this.type}`, 0, arrive, () => up() && worker.speaks());
  }

  private failed(error: unknown): void {
    const { note } = this.around;
    const reason = error instanceof Error ? error.message : String(error);
    note(this.queue, `${this.type} for ${this.workflowId} failed: ${reason}`);
    if (error instanceof ApplicationFailure && error.nonRetryable === true) {
      const cause = defaultFailureConverter.errorToFailure(error, defaultPayloadConverter);
      return this.settle({ failed: { failure: this.failure(cause) } });
    }
    this.again();
  }

  private timedOut(attempt: number): void {
    if (this.settled || this.current !== attempt) return;
    this.around.counters.happened('time-out of an attempt');
    this.again();
  }

  private again(): void {
    this.callOffTimeout();
    this.current = 0;
    this.offer(Math.min(RETRY_FIRST_MS * 2 ** (this.attempts - 1), RETRY_LONGEST_MS));
  }

  private giveUp(): void {
    if (this.settled) return;
    const cause = { message: 'activity timed out', timeoutFailureInfo: { timeoutType: SCHEDULE_TO_CLOSE } };
    this.settle({ failed: { failure: this.failure(cause) } });
  }

  private settle(result: coresdk.activity_result.IActivityResolution): void {
    this.settled = true;
    this.callOffTimeout();
    this.around.resolve({ resolveActivity: { seq: this.schedule.seq ?? 0, result, isLocal: false } });
  }

  private failure(cause: temporal.api.failure.v1.IFailure): temporal.api.failure.v1.IFailure {
    const activityType = { name: this.type };
    return {
      message: 'Activity task failed',
      cause,
      activityFailureInfo: { activityType, activityId: this.schedule.activityId ?? '' },
    };
  }
}

const SCHEDULE_TO_CLOSE = 3;

function payload(value: unknown) {
  return defaultPayloadConverter.toPayload(value) ?? null;
}

function milliseconds(duration: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  if (!duration) return 0;
  return Number(duration.seconds ?? 0) * 1000 + (duration.nanos ?? 0) / 1_000_000;
}
