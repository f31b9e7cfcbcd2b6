/** The words of items with a full-text index, and how far each catalogue's is. */
import { type Knex } from 'knex';
import { addColumns, caseAndSpaceSensitiveCollation, createTable, onMariadb } from './columns';

export async function up(knex: Knex): Promise<void> {
  // When the revision's words were all in the index; null: they are not, or its words were never looked for.
  await addColumns(knex, 'catalog_revisions', [['indexed_at', 'bigint', 'null']]);
  // `indexer` is the attempt that is at work; walks of searches that began before `oldest_revision` are over.
  await createTable(
    knex,
    'catalog_indexes',
    [
      ['store', 'name'],
      ['catalog', 'name'],
    ],
    {
      columns: [
        ['revision', 'bigint'],
        ['oldest_revision', 'bigint'],
        ['indexer', 'id', 'null'],
        ['beat_at', 'bigint'],
      ],
    },
  );
  await (onMariadb(knex) ? textsOnMariadb(knex) : textsOnSqlite(knex));
}

export async function down(knex: Knex): Promise<void> {
  if (!onMariadb(knex)) await knex.raw('DROP TABLE item_words');
  await knex.schema.dropTable('item_texts');
  await knex.schema.dropTable('catalog_indexes');
  await knex.schema.alterTable('catalog_revisions', (table) => void table.dropColumn('indexed_at'));
}

/** `words` is plain ASCII (domain/search), so that the server's tokeniser has nothing to fold and little to take apart. */
async function textsOnMariadb(knex: Knex): Promise<void> {
  await knex.raw(`CREATE TABLE IF NOT EXISTS item_texts (
    store varchar(32) NOT NULL, text_id bigint NOT NULL AUTO_INCREMENT, catalog varchar(32) NOT NULL,
    sku varchar(64) NOT NULL, from_revision bigint NOT NULL, to_revision bigint NOT NULL,
    words longtext CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (text_id),
    UNIQUE KEY item_texts_store_catalog_sku_from_revision (store, catalog, sku, from_revision),
    KEY item_texts_store_catalog_to_revision (store, catalog, to_revision),
    FULLTEXT KEY item_texts_words (words)
  ) DEFAULT CHARACTER SET utf8mb4 COLLATE ${await caseAndSpaceSensitiveCollation(knex)}`);
}

/** FTS5 over the same rows, kept by triggers: without positions, lengths, or the words a second time. */
async function textsOnSqlite(knex: Knex): Promise<void> {
  for (const statement of [
    `CREATE TABLE item_texts (store varchar(32) not null, text_id integer not null, catalog varchar(32) not null, sku varchar(64) not null, from_revision bigint not null, to_revision bigint not null, words text not null, primary key (text_id))`,
    `CREATE UNIQUE INDEX item_texts_store_catalog_sku_from_revision ON item_texts (store, catalog, sku, from_revision)`,
    `CREATE INDEX item_texts_store_catalog_to_revision ON item_texts (store, catalog, to_revision)`,
    `CREATE VIRTUAL TABLE item_words USING fts5(words, content='item_texts', content_rowid='text_id', detail='none', columnsize=0, tokenize="ascii tokenchars '_'")`,
    `CREATE TRIGGER item_texts_written AFTER INSERT ON item_texts BEGIN INSERT INTO item_words (rowid, words) VALUES (new.text_id, new.words); END`,
    `CREATE TRIGGER item_texts_deleted AFTER DELETE ON item_texts BEGIN INSERT INTO item_words (item_words, rowid, words) VALUES ('delete', old.text_id, old.words); END`,
  ]) {
    await knex.raw(statement);
  }
}
