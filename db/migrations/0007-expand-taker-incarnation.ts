/** For which data of its taker a transfer was given: later data of that site must not credit it. */
import { type Knex } from 'knex';
import { addColumns } from './columns';

export async function up(knex: Knex): Promise<void> {
  // Null: given by a release that did not say.
  await addColumns(knex, 'transfers', [['taker_incarnation', 'integer', 'null']]);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('transfers', (table) => void table.dropColumn('taker_incarnation'));
}
