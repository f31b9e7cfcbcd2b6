/** Measured demand: the tallies, and what keeps the counting from counting anything twice. */
import { type Knex } from 'knex';
import { createTable } from './columns';

export async function up(knex: Knex): Promise<void> {
  // Of one item at one site; with the empty sku of all items there. `counts` is JSON: units, then lines by size class.
  await createTable(
    knex,
    'demand_tallies',
    [
      ['store', 'name'],
      ['site', 'name'],
      ['sku', 'sku'],
    ],
    {
      columns: [
        ['counted_at', 'bigint'],
        ['counts', 'text'],
      ],
      indexes: [['store', 'sku']],
    },
  );
  // How far the counting of the site's own orders and refusals has come, and since when there is anything counted.
  await createTable(knex, 'demand_counting', [['store', 'name']], {
    columns: [
      ['counted_since', 'bigint'],
      ['reached_at', 'bigint'],
    ],
  });
  // Own orders and refusals that are counted, by id, as long as others may still commit beside them.
  await createTable(
    knex,
    'demand_counted',
    [
      ['store', 'name'],
      ['source', 'id'],
    ],
    { columns: [] },
  );
  // What other sites were asked for, as it came in; a row is gone once it is counted.
  await createTable(
    knex,
    'demand_heard',
    [
      ['store', 'name'],
      ['source', 'label'],
    ],
    {
      columns: [
        ['site', 'name'],
        ['cart_id', 'id', 'null'],
        ['line_list', 'longtext'],
        ['asked_at', 'bigint'],
      ],
    },
  );
  // What is counted of carts that were refused: asked again, or sold in the end, it is not counted again.
  await createTable(
    knex,
    'demand_refused',
    [
      ['store', 'name'],
      ['cart_id', 'id'],
      ['sku', 'sku'],
    ],
    {
      columns: [
        ['units', 'bigint'],
        ['asked_at', 'bigint'],
      ],
      indexes: [['store', 'asked_at']],
    },
  );
}

export async function down(knex: Knex): Promise<void> {
  const tables = ['demand_refused', 'demand_heard', 'demand_counted', 'demand_counting', 'demand_tallies'];
  for (const table of tables) await knex.schema.dropTable(table);
}
