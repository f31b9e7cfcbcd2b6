/** Replenishment (figure 11), at the site that asks: when an item is short, and what was asked and answered. */
import { type Knex } from 'knex';
import { type Column, createTable } from './columns';

const store: Column = ['store', 'name'];

export async function up(knex: Knex): Promise<void> {
  // Thresholds as units, so that what is short is found by comparing. `own_rule`: what an operator has set for the item;
  // else the store's configuration decides. `instead_sku`: what the parent gave in its place, and which counts for it.
  await createTable(knex, 'stock_thresholds', [store, ['sku', 'sku']], {
    columns: [
      ['threshold_units', 'bigint'],
      ['refill_units', 'bigint'],
      ['own_rule', 'text', 'null'],
      ['instead_sku', 'sku', 'null'],
    ],
  });
  await createTable(knex, 'replenishments', [store, ['request', 'id']], {
    columns: [
      ['parent', 'name'],
      ['line_list', 'longtext'],
      ['answers', 'longtext', 'null'],
      ['created_at', 'bigint'],
      ['answered_at', 'bigint', 'null'],
    ],
    indexes: [['store', 'created_at']],
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['replenishments', 'stock_thresholds']) await knex.schema.dropTable(table);
}
