/** Task queues: workflow code runs anywhere, activities run somewhere (design, section 3). */

/** Workflow tasks of every store; each site runs one worker for it. */
export const WORKFLOW_QUEUE = 'workflows';

/** Activities that touch one site's database, in one incarnation of it. */
export function siteQueue(store: string, site: string, incarnation: number): string {
  return `site.${store}.${site}.${incarnation}`;
}

/** Activities for whoever holds the store's primacy in that epoch. */
export function primaryQueue(store: string, epoch: number): string {
  return `primary.${store}.${epoch}`;
}
