/** Who stages a catalogue revision: of two processes that apply one at once, only the later may go on. */
import { type Knex } from 'knex';
import { addColumns } from './columns';

export async function up(knex: Knex): Promise<void> {
  await addColumns(knex, 'catalogs', [['stager', 'id', 'null']]);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('catalogs', (table) => void table.dropColumn('stager'));
}
