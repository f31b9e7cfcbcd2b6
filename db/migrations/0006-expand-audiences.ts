/** User groups: who may see an item, at which price, and which sites serve them (docs/decisions/0031). */
import { type Knex } from 'knex';
import { type Column, addColumns, createTable } from './columns';

/** Audiences are lists of ids that are read as one text (domain/audience.ts). */
const AUDIENCE: Column = ['audience', 'label', 'null'];
const PARTITION: Column = ['partition_name', 'label', 'null'];
const GROUP_PRICES: Column = ['group_prices', 'text', 'null'];
/** The groups of whoever holds the key or began the cart. */
const VIEWER: Column = ['viewer_groups', 'label', 'null'];

const ADDED: readonly (readonly [table: string, columns: readonly Column[]])[] = [
  ['item_versions', [GROUP_PRICES]],
  ['draft_changes', [GROUP_PRICES]],
  ['catalog_drafts', [GROUP_PRICES]],
  ['catalogs', [AUDIENCE, PARTITION]],
  ['catalog_revisions', [AUDIENCE, PARTITION]],
  ['carts', [VIEWER]],
  ['api_keys', [VIEWER]],
];

export async function up(knex: Knex): Promise<void> {
  for (const [table, columns] of ADDED) await addColumns(knex, table, columns);
  await createTable(
    knex,
    'user_groups',
    [
      ['store', 'name'],
      ['group_id', 'code'],
    ],
    {
      columns: [
        ['group_name', 'name'],
        ['created_at', 'bigint'],
      ],
    },
  );
  await createTable(
    knex,
    'site_groups',
    [
      ['store', 'name'],
      ['site', 'name'],
    ],
    {
      columns: [
        ['groups_served', 'label'],
        ['updated_at', 'bigint'],
      ],
    },
  );
  // What a revision comes to for those who see only a part of it.
  await createTable(
    knex,
    'catalog_views',
    [
      ['store', 'name'],
      ['catalog', 'name'],
      ['partition_name', 'label'],
      ['revision', 'bigint'],
    ],
    {
      columns: [
        ['item_count', 'integer'],
        ['digest', 'digest'],
      ],
    },
  );
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['catalog_views', 'site_groups', 'user_groups']) await knex.schema.dropTable(table);
  for (const [table, columns] of ADDED) {
    await knex.schema.alterTable(table, (altered) => altered.dropColumns(...columns.map(([name]) => name)));
  }
}
