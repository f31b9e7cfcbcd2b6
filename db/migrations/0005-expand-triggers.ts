/** When a draft is published without being asked for each time. */
import { type Knex } from 'knex';
import { createTable } from './columns';

export async function up(knex: Knex): Promise<void> {
  // `applied_version` is the version that Temporal's schedules have: what is behind `version` is still to be told them.
  await createTable(
    knex,
    'catalog_triggers',
    [
      ['store', 'name'],
      ['catalog', 'name'],
      ['trigger_name', 'name'],
    ],
    {
      columns: [
        ['draft', 'name'],
        ['spec', 'text'],
        ['state', 'name'],
        ['version', 'integer'],
        ['applied_version', 'integer'],
        ['updated_at', 'bigint'],
      ],
    },
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('catalog_triggers');
}
