/** Recorded histories replay on today's workflows, and a changed workflow is caught. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeterminismViolationError } from '@temporalio/workflow';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { type WorkflowBundleOption, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { WORKFLOW_TYPES, type WorkflowType } from '../../domain/workflow-ids';
import { WORKFLOW_BUNDLE } from '../../workers/workflow-bundle';
import { QUIET } from '../support/quiet-logger';

const ROOT = join(__dirname, '..', '..');
const HISTORIES = join(__dirname, 'histories');

const cases = (readdirSync(HISTORIES) as WorkflowType[]).flatMap((type) =>
  readdirSync(join(HISTORIES, type)).map((file) => ({ type, file, name: `${type}/${file}` })),
);

async function replay(workflowBundle: WorkflowBundleOption, type: string, file: string): Promise<void> {
  const history = historyFromJSON(JSON.parse(readFileSync(join(HISTORIES, type, file), 'utf8')));
  await Worker.runReplayHistory({ workflowBundle }, history);
}

test('every workflow has a recorded history', () => {
  expect(new Set(cases.map(({ type }) => type))).toEqual(new Set(Object.keys(WORKFLOW_TYPES)));
});

test.each(cases)('$name replays', async ({ type, file }) => {
  await replay({ codePath: WORKFLOW_BUNDLE }, type, file);
});

describe('a changed workflow', () => {
  let folder: string;
  let bundle: WorkflowBundleOption;

  /** Each workflow's real source with one more timer at its beginning. */
  beforeAll(async () => {
    mkdirSync(join(ROOT, 'var'), { recursive: true });
    folder = mkdtempSync(join(ROOT, 'var', 'canary-'));
    cpSync(join(ROOT, 'workflows'), join(folder, 'workflows'), { recursive: true });
    for (const layer of ['domain', 'activities']) symlinkSync(join(ROOT, layer), join(folder, layer));
    for (const type of Object.keys(WORKFLOW_TYPES)) {
      const file = join(folder, 'workflows', `${type.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`);
      const source = readFileSync(file, 'utf8');
      const changed = source
        .replace(/\n( *)const status = new Status\(/, '\n$1await canarySleep(1000);$&')
        .replace(/^/, "import { sleep as canarySleep } from '@temporalio/workflow';\n");
      if (!changed.includes('await canarySleep')) throw new Error(`${file} could not be changed`);
      writeFileSync(file, changed);
    }
    bundle = await bundleWorkflowCode({
      workflowsPath: join(folder, 'workflows', 'index.ts'),
      workflowInterceptorModules: [join(folder, 'workflows', 'trace.ts')],
      logger: QUIET,
    });
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(cases)('is caught by $name', async ({ type, file }) => {
    await expect(replay(bundle, type, file)).rejects.toThrow(DeterminismViolationError);
  });
});
