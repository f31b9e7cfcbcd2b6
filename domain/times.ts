/** ISO 8601 with an offset, as documents, files and requests say times. */

const DATE_TIME_WITH_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds UTC; null for what is no time, or has no offset. */
export function parseTime(text: string): number | null {
  const time = DATE_TIME_WITH_OFFSET.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(time) ? time : null;
}
