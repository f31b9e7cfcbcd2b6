/** Time limits of what workflows ask for (design, section 3). */
import { type ActivityOptions } from '@temporalio/workflow';

/** A small document's activity, once a worker has it in hand. Waiting in the queue has no limit: the queue is the hold. */
const SMALL_DOCUMENT_TIMEOUT = '10s';
/** A worker that streams a document shows that it lives. */
const STREAM_HEARTBEAT_TIMEOUT = '10s';
/** One attempt at a streamed document. */
const STREAM_TIMEOUT = '1h';
/** The primary's set-based work: publication, conversion, allocation. */
const BULK_TIMEOUT = '15m';
/** A primary that has died in such work, or never heard of it, is found out: the worker shows that it lives meanwhile. */
const BULK_HEARTBEAT_TIMEOUT = '30s';

/** Waits between attempts. */
const RETRY = { initialInterval: '1s', maximumInterval: '30s', backoffCoefficient: 2 } as const;

/** How long a push waits for confirmations before it reports who is held. */
export const PUSH_CONFIRMATION_WAIT = '10s';
/** How long a change of topology waits for a site to take it; a site that is away asks when it returns. */
export const ANNOUNCEMENT_WAIT = '30s';

/** How long a site may take to tell its levels before it is left out of a reallocation. */
export const LEVELS_WAIT = '5s';
/** A site that is asked to give, and is away, gives nothing any more after this, milliseconds. */
export const GIFT_GOOD_FOR_MS = 10 * 60_000;

/** Thresholds that depend on what was sold and granted are measured anew after this, milliseconds. */
export const THRESHOLDS_GOOD_FOR_MS = 60 * 60_000;

export function smallDocument(queue: string, summary: string): ActivityOptions {
  return { taskQueue: queue, startToCloseTimeout: SMALL_DOCUMENT_TIMEOUT, retry: RETRY, summary };
}

export function streamedDocument(queue: string, summary: string): ActivityOptions {
  return {
    taskQueue: queue,
    startToCloseTimeout: STREAM_TIMEOUT,
    heartbeatTimeout: STREAM_HEARTBEAT_TIMEOUT,
    retry: RETRY,
    summary,
  };
}

export function bulkWork(queue: string, summary: string): ActivityOptions {
  return {
    taskQueue: queue,
    startToCloseTimeout: BULK_TIMEOUT,
    heartbeatTimeout: BULK_HEARTBEAT_TIMEOUT,
    retry: RETRY,
    summary,
  };
}
