/** Build step: bundles workflow code once, so that a worker starts without a bundler. */
import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode } from '@temporalio/worker';
import { WORKFLOW_BUNDLE } from './workflow-bundle';

async function main(): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: require.resolve('../workflows'),
    workflowInterceptorModules: [require.resolve('../workflows/trace')],
    logger: { ...quiet, warn: print, error: print },
  });
  await writeFile(WORKFLOW_BUNDLE, code);
}

const ignore = () => undefined;
const quiet = { log: ignore, trace: ignore, debug: ignore, info: ignore };
const print = (message: string) => void process.stderr.write(`${message}\n`);

main().catch((error: unknown) => {
  print(`workflow code could not be bundled: ${String(error)}`);
  process.exitCode = 1;
});
