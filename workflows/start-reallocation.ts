/** A reallocation that goes on by itself, whatever becomes of the workflow that asks for it. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import { WORKFLOW_QUEUE } from '../domain/queues';
import { formatWorkflowId } from '../domain/workflow-ids';
import { type InventoryReallocationInput } from '../domain/workflow-inputs';
import { startAttributes } from './search-attributes';

export async function startReallocation(
  input: Required<Pick<InventoryReallocationInput, 'store' | 'site' | 'request' | 'wanted' | 'topology'>>,
  document: string,
): Promise<void> {
  const { store, site, request, wanted } = input;
  try {
    await startChild('inventoryReallocation', {
      workflowId: formatWorkflowId('inventoryReallocation', { store, site, request }),
      args: [input],
      taskQueue: WORKFLOW_QUEUE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: startAttributes({ store, site, document }),
      staticSummary: `stock for ${wanted.taker}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
