/** Unsolicited changes of a site's stock (figure 13), at the site that asks and at the one whose stock it is. */
import { type Knex } from 'knex';
import { createTable } from './columns';

export async function up(knex: Knex): Promise<void> {
  // `result` is null until the site whose stock it is has applied it.
  await createTable(
    knex,
    'stock_updates',
    [
      ['store', 'name'],
      ['update_id', 'label'],
    ],
    {
      columns: [
        ['site', 'name'],
        ['kind', 'code'],
        ['line_list', 'longtext'],
        ['digest', 'digest'],
        ['result', 'longtext', 'null'],
        ['short_units', 'bigint'],
        ['created_at', 'bigint'],
        ['applied_at', 'bigint', 'null'],
      ],
      indexes: [['store', 'created_at']],
    },
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('stock_updates');
}
