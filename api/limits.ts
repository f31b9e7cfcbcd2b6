/** Limits of the HTTP API. */

/** Largest JSON body, bytes; a route may set its own. */
export const BODY_BYTES_MAX = 1_048_576;
/** Largest body that is streamed (a catalogue or a receipt as CSV), bytes; a route may set its own. */
export const STREAMED_BYTES_MAX = 268_435_456;
/** Requests of one key (or address, without a key) in one window. */
export const REQUESTS_PER_WINDOW_MAX = 60_000;
/** Length of that window, milliseconds. */
export const RATE_WINDOW_MS = 60_000;
/** A client has this long to send a request's headers, milliseconds. */
export const HEADERS_TIMEOUT_MS = 20_000;
/** A client has this long to send a whole request, milliseconds; a large import needs its time. */
export const REQUEST_TIMEOUT_MS = 30 * 60_000;
/** An idle connection is kept this long, milliseconds. */
export const KEEP_ALIVE_MS = 65_000;
/** Requests under way at shutdown have this long to finish, milliseconds. */
export const CLOSE_GRACE_MS = 10_000;
/** What a client is told to wait when the database is away, seconds. */
export const RETRY_AFTER_S = 2;
