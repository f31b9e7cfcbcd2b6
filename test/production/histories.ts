/** The purchaseOrderDelivery workflows of a store, as Temporal knows them. */
import { type Client } from '@temporalio/client';
import { type History } from '@temporalio/common/lib/proto-utils';

export interface DeliveryRun {
  readonly workflowId: string;
  readonly startedAt: number;
  readonly closedAt: number;
  /** It has taken the new release's step. */
  readonly noted: boolean;
  readonly history: History;
}

export class DeliveryHistories {
  private readonly query: string;

  constructor(
    private readonly client: Client,
    store: string,
  ) {
    this.query = `WorkflowType = 'purchaseOrderDelivery' AND EntrepotStore = '${store}'`;
  }

  /** Ids of those that are under way, of one site or of all. */
  open(site?: string): Promise<string[]> {
    return this.ids(`ExecutionStatus = 'Running'${ofSite(site)}`);
  }

  /** Ids of those of a site that an operator sees as held. */
  held(site: string): Promise<string[]> {
    return this.ids(`ExecutionStatus = 'Running' AND EntrepotState = 'held'${ofSite(site)}`);
  }

  /** All that have ended, with their histories. */
  async fetch(): Promise<DeliveryRun[]> {
    const runs: DeliveryRun[] = [];
    for await (const run of this.client.workflow.list({ query: `${this.query} AND ExecutionStatus = 'Completed'` })) {
      const history = await this.client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
      const activities = history.events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
      runs.push({
        workflowId: run.workflowId,
        startedAt: run.startTime.getTime(),
        closedAt: run.closeTime?.getTime() ?? Number.POSITIVE_INFINITY,
        noted: activities?.includes('noteDelivery') ?? false,
        history,
      });
    }
    return runs;
  }

  private async ids(condition: string): Promise<string[]> {
    const found: string[] = [];
    for await (const { workflowId } of this.client.workflow.list({ query: `${this.query} AND ${condition}` }))
      found.push(workflowId);
    return found;
  }
}

function ofSite(site: string | undefined): string {
  return site === undefined ? '' : ` AND EntrepotSite = '${site}'`;
}
