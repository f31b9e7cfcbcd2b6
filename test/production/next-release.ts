/**
 * The release after this one: a copy of the real source with one migration and one workflow change, built as `npm run
 * build` does. New batches of orders are noted as delivered, by a new activity, in a new column.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS } from '../../db/migrate';
import { runCommand } from '../../workers/run-command';

const ROOT = join(__dirname, '..', '..');
const BUILD = 'tsconfig.build.json';
const LAYERS = (JSON.parse(readFileSync(join(ROOT, BUILD), 'utf8')) as { include: string[] }).include;
const REST = ['package.json', 'tsconfig.json', BUILD];

/** The name under which the new release marks workflows that take its new step. */
export const PATCH = 'note-delivery';
export const MIGRATION = `${String(MIGRATIONS.length + 1).padStart(4, '0')}-expand-delivery-notes`;

export interface Release {
  /** What `node` runs. */
  readonly main: string;
  readonly workflowBundle: string;
  remove(): void;
}

export async function buildNextRelease(): Promise<Release> {
  // Within the package, where its dependencies are found.
  mkdirSync(join(ROOT, 'var'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'var', 'next-release-'));
  for (const part of [...LAYERS, ...REST]) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  addMigration(folder);
  addActivity(folder);
  changeWorkflow(folder);
  await run(folder, join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', BUILD);
  await run(folder, join('dist', 'workers', 'bundle-workflows.js'));
  return {
    main: join(folder, 'dist', 'cli', 'main.js'),
    workflowBundle: join(folder, 'dist', 'workflow-bundle.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function run(folder: string, script: string, ...args: string[]): Promise<void> {
  await runCommand('nice', [process.execPath, script, ...args], { cwd: folder });
}

function addMigration(folder: string): void {
  writeFileSync(
    join(folder, 'db', 'migrations', `${MIGRATION}.ts`),
    `import { type Knex } from 'knex';
import { addColumns, createIndex } from './columns';

export async function up(knex: Knex): Promise<void> {
  await addColumns(knex, 'orders', [['noted_at', 'bigint', 'null']]);
  await createIndex(knex, 'orders', ['store', 'batch']);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('orders', (table) => table.dropColumn('noted_at'));
}
`,
  );
  edit(folder, 'db/migrate.ts', [
    [/^import \{ createMariadbDatabase/m, `import * as deliveryNotes from './migrations/${MIGRATION}';\n$&`],
    [/(MIGRATIONS: [^=]*= \[[^\]]*)\];/, `$1  { name: '${MIGRATION}', migration: deliveryNotes },\n];`],
  ]);
}

function addActivity(folder: string): void {
  edit(folder, 'db/orders/book.ts', [
    [
      /$/,
      `
export async function noteDelivery(tx: Transaction, store: string, batch: string, now: number): Promise<void> {
  await tx.run('UPDATE orders SET noted_at = ? WHERE store = ? AND batch = ?', [now, store, batch]);
}
`,
    ],
  ]);
  edit(folder, 'activities/contract.ts', [
    [/\n *bookOrderAnswers\(/, '\n  noteDelivery(input: { store: string; batch: string }): Promise<void>;$&'],
  ]);
  edit(folder, 'activities/orders/index.ts', [
    [/import \{ bookAnswers, /, '$&noteDelivery, '],
    [/'receiveOrders' \| 'bookOrderAnswers'/, `$& | 'noteDelivery'`],
    [
      /\n *async bookOrderAnswers\(/,
      `
    noteDelivery: ({ store, batch }) =>
      db.transaction((tx) => noteDelivery(tx, store, batch, runtime.clock.now())),
$&`,
    ],
  ]);
}

/** Decided at the workflow's beginning, so that one which has begun under the old release goes on as it began. */
function changeWorkflow(folder: string): void {
  edit(folder, 'workflows/purchase-order-delivery.ts', [
    [/proxyActivities \}/, 'patched, proxyActivities }'],
    [/\n *const answers = await sendToParent\(\);/, `\n  const noted = patched('${PATCH}');$&`],
    [/\n *await bookAnswers\(answers\);/, '$&\n  if (noted) await noteDelivery();'],
    [
      /\n *async function bookAnswers\(/,
      `
  async function noteDelivery(): Promise<void> {
    await deliver(watch, {
      queue: (topology) => queueOfSite(topology, site),
      send: (queue) =>
        proxyActivities<SiteActivities>(smallDocument(queue, 'note the delivery')).noteDelivery({ store, batch }),
      onHeld: () => undefined,
    });
  }
$&`,
    ],
  ]);
}

/** Each pattern must be there: where the source has moved on, this release must too. */
function edit(folder: string, name: string, changes: readonly (readonly [RegExp, string])[]): void {
  const file = join(folder, name);
  let source = readFileSync(file, 'utf8');
  for (const [pattern, replacement] of changes) {
    if (!pattern.test(source))
      throw new Error(`${name} has no ${String(pattern)}: the next release can't be made of it`);
    source = source.replace(pattern, replacement);
  }
  writeFileSync(file, source);
}
