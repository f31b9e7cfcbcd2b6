/** What a supervised site and its supervisor agree on. */

/** How long a stopping site may finish what is under way, milliseconds. */
export const SITE_STOP_GRACE_MS = 25_000;

/** What a site that serves tells its parent over the IPC channel. */
export interface SiteReady {
  readonly ready: true;
  readonly url: string;
}
