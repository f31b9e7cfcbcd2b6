/** Borrowing at the sale: what was asked of whom, and what an order waits for (figures 11 and 12). */
import { type Knex } from 'knex';
import { type Column, createTable } from './columns';

const store: Column = ['store', 'name'];
const borrowing: Column = ['borrowing', 'label'];

export async function up(knex: Knex): Promise<void> {
  // One row for each borrowing that this site has part in: its own, or another's that it was asked to help with. It is
  // the inbox's row of that exchange too, which has several transactions, with calls between them.
  await createTable(knex, 'borrowings', [store, borrowing], {
    columns: [
      ['asker', 'name'],
      ['taker', 'name'],
      ['taker_incarnation', 'integer'],
      ['cart_id', 'id', 'null'],
      ['line_list', 'longtext'],
      ['digest', 'digest'],
      ['answer', 'longtext', 'null'],
      ['created_at', 'bigint'],
    ],
    indexes: [['store', 'cart_id']],
  });
  // Written before it is sent, so that what has no answer can be asked again, byte for byte.
  await createTable(knex, 'borrowing_asks', [store, ['ask', 'label']], {
    columns: [
      borrowing,
      ['site', 'name'],
      ['line_list', 'longtext'],
      ['answer', 'longtext', 'null'],
      ['answered_whole', 'integer'],
      ['created_at', 'bigint'],
    ],
    indexes: [['store', 'borrowing']],
  });
  // Units of its own that a site keeps for an order that is being borrowed for.
  await createTable(knex, 'borrowing_wants', [store, borrowing, ['sku', 'sku']], {
    columns: [
      ['quantity', 'bigint'],
      ['wanted_until', 'bigint'],
    ],
    indexes: [['store', 'sku']],
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['borrowing_wants', 'borrowing_asks', 'borrowings']) await knex.schema.dropTable(table);
}
