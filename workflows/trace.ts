/**
 * Carries a trace from a workflow's argument into those of its activities and children. Nothing of it is a command, so
 * recorded histories replay with and without.
 */
import {
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptorsFactory,
  type WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import { type Traced } from '../domain/trace';

type Carrier = Required<Pick<WorkflowInboundCallsInterceptor, 'execute'>> &
  Required<Pick<WorkflowOutboundCallsInterceptor, 'scheduleActivity' | 'startChildWorkflowExecution'>>;

function carrier(): Carrier {
  let carried: Traced = {};
  /** The one argument, with the trace; what it says of itself stays. */
  const traced = (args: unknown[]) => args.map((argument) => ({ ...carried, ...(argument as Traced) }));
  return {
    async execute(input, next) {
      const { traceContext } = (input.args[0] ?? {}) as Traced;
      if (traceContext !== undefined) carried = { traceContext };
      return next(input);
    },
    async scheduleActivity(input, next) {
      return next({ ...input, args: traced(input.args) });
    },
    async startChildWorkflowExecution(input, next) {
      return next({ ...input, options: { ...input.options, args: traced(input.options.args) } });
    },
  };
}

export const interceptors: WorkflowInterceptorsFactory = () => {
  const both = carrier();
  return { inbound: [both], outbound: [both] };
};
