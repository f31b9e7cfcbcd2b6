/**
 * Drafts with names, whose changes may hold from a date: `catalog_drafts` has no place for either in its key. What waits
 * there moves to the draft that an unnamed change goes to.
 */
import { type Knex } from 'knex';
import { itemContent } from './0001-first-schema';
import { createTable } from './columns';

/** As it was when this was released. */
const DRAFT_DEFAULT = 'next';
const CONTENT = [...itemContent.map(([name]) => name), 'content_hash'].join(', ');

export async function up(knex: Knex): Promise<void> {
  // `holds_from` is 0 for what the next publication takes; of what is to hold from later, `price_only` says how much.
  await createTable(
    knex,
    'draft_changes',
    [
      ['store', 'name'],
      ['catalog', 'name'],
      ['draft', 'name'],
      ['sku', 'sku'],
      ['holds_from', 'bigint'],
    ],
    {
      columns: [
        ['withdrawn', 'integer'],
        ['price_only', 'integer'],
        ...itemContent,
        ['content_hash', 'digest'],
        ['updated_at', 'bigint'],
      ],
    },
  );
  const sameKey = ['store', 'catalog', 'sku'].map((name) => `moved.${name} = catalog_drafts.${name}`).join(' AND ');
  const moved = `SELECT 1 FROM draft_changes moved WHERE ${sameKey} AND moved.draft = '${DRAFT_DEFAULT}'`;
  // One that was cut off goes on: what it has moved is left as it is.
  await knex.raw(
    `INSERT INTO draft_changes (store, catalog, draft, sku, holds_from, withdrawn, price_only, ${CONTENT}, updated_at)
     SELECT store, catalog, '${DRAFT_DEFAULT}', sku, 0, withdrawn, 0, ${CONTENT}, updated_at
     FROM catalog_drafts WHERE NOT EXISTS (${moved})`,
  );
  await knex.raw(`DELETE FROM catalog_drafts WHERE EXISTS (${moved} AND moved.updated_at = catalog_drafts.updated_at)`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('draft_changes');
}
