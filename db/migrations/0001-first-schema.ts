/** The tables of the first release. Every table leads with `store`; times are milliseconds UTC. */
import { type Knex } from 'knex';
import { type Column, createTable } from './columns';

const store: Column = ['store', 'name'];
const site: Column = ['site', 'name'];
const sku: Column = ['sku', 'sku'];
const catalog: Column = ['catalog', 'name'];

export const itemContent: readonly Column[] = [
  ['description', 'text'],
  ['price_amount', 'bigint'],
  ['currency', 'code'],
  ['unit_of_measure', 'code'],
  ['classification_domain', 'label'],
  ['classification_code', 'label'],
  ['lead_time_days', 'integer'],
  ['attributes', 'text'],
  ['audience', 'label'],
];

export async function up(knex: Knex): Promise<void> {
  await topologyTables(knex);
  await catalogTables(knex);
  await inventoryTables(knex);
  await cartTables(knex);
  await orderTables(knex);
  await deliveryTables(knex);
  await accessTables(knex);
}

export async function down(knex: Knex): Promise<void> {
  for (const table of [
    ...['idempotency_keys', 'api_keys', 'workflow_runs', 'parked_documents', 'events', 'inbox', 'outbox'],
    ...['order_lines', 'order_documents', 'cart_orders', 'orders', 'cart_lines', 'carts'],
    ...['refused_demand', 'transfer_lines', 'transfers', 'transfer_sequences', 'stock_ledger', 'stock_levels'],
    ...['catalog_confirmations', 'catalog_documents', 'catalog_revisions', 'item_versions', 'catalog_drafts'],
    ...['catalogs', 'sites', 'topology'],
  ]) {
    await knex.schema.dropTable(table);
  }
}

async function topologyTables(knex: Knex): Promise<void> {
  // `data_id` names this database for ever: a lost and remade database gets another, and so a new incarnation.
  await createTable(knex, 'topology', [store], {
    columns: [
      ['version', 'integer'],
      ['epoch', 'integer'],
      ['primary_site', 'name'],
      ['own_site', 'name'],
      ['data_id', 'id'],
      ['updated_at', 'bigint'],
    ],
  });
  await createTable(knex, 'sites', [store, site], {
    columns: [
      ['role', 'code'],
      ['parent', 'name', 'null'],
      ['url', 'text'],
      ['incarnation', 'integer'],
      ['updated_at', 'bigint'],
    ],
  });
}

async function catalogTables(knex: Knex): Promise<void> {
  // `revision` is the head that readers see; versions beyond it are staged and invisible until the head moves.
  await createTable(knex, 'catalogs', [store, catalog], {
    columns: [
      ['revision', 'bigint'],
      ['item_count', 'integer'],
      ['digest', 'digest'],
      ['staging_revision', 'bigint', 'null'],
      ['updated_at', 'bigint'],
    ],
  });
  await createTable(knex, 'catalog_drafts', [store, catalog, sku], {
    columns: [['withdrawn', 'integer'], ...itemContent, ['content_hash', 'digest'], ['updated_at', 'bigint']],
  });
  await createTable(knex, 'item_versions', [store, catalog, sku, ['from_revision', 'bigint']], {
    columns: [['to_revision', 'bigint'], ['partition_name', 'label'], ...itemContent, ['content_hash', 'digest']],
    indexes: [
      ['store', 'catalog', 'to_revision'],
      ['store', 'catalog', 'from_revision'],
    ],
  });
  await createTable(knex, 'catalog_revisions', [store, catalog, ['revision', 'bigint']], {
    columns: [
      ['base_revision', 'bigint'],
      ['item_count', 'integer'],
      ['digest', 'digest'],
      ['published_at', 'bigint'],
      ['request', 'label'],
    ],
  });
  // The document itself is a file beside the database and can be made again from the item versions.
  await createTable(
    knex,
    'catalog_documents',
    [store, catalog, ['partition_name', 'label'], ['base_revision', 'bigint'], ['revision', 'bigint']],
    {
      columns: [
        ['payload_id', 'label'],
        ['bytes', 'bigint'],
        ['compressed_bytes', 'bigint'],
        ['content_digest', 'digest'],
        ['item_count', 'integer'],
        ['created_at', 'bigint'],
      ],
    },
  );
  await createTable(knex, 'catalog_confirmations', [store, catalog, ['partition_name', 'label'], site], {
    columns: [
      ['revision', 'bigint'],
      ['target_revision', 'bigint'],
      ['state', 'code'],
      ['payload_id', 'label', 'null'],
      ['tries', 'integer'],
      ['held_since', 'bigint', 'null'],
      ['reason', 'text', 'null'],
      ['workflow_id', 'label', 'null'],
      ['confirmed_at', 'bigint', 'null'],
      ['updated_at', 'bigint'],
    ],
  });
}

async function inventoryTables(knex: Knex): Promise<void> {
  await createTable(knex, 'stock_levels', [store, sku, ['account', 'code']], { columns: [['rights', 'bigint']] });
  // Append-only; a movement's id is kept for ever and is what makes it happen once.
  await createTable(knex, 'stock_ledger', [store, ['movement_id', 'label'], sku, ['account', 'code']], {
    columns: [
      ['kind', 'code'],
      ['quantity', 'bigint'],
      ['counterparty', 'name', 'null'],
      ['transfer_id', 'label', 'null'],
      ['cause', 'label'],
      ['epoch', 'integer'],
      ['incarnation', 'integer'],
      ['recorded_at', 'bigint'],
    ],
    indexes: [['store', 'sku']],
  });
  await createTable(knex, 'transfer_sequences', [store, ['incarnation', 'integer']], {
    columns: [['last_sequence', 'bigint']],
  });
  await createTable(
    knex,
    'transfers',
    [store, ['giver', 'name'], ['giver_incarnation', 'integer'], ['sequence', 'bigint']],
    {
      columns: [
        ['taker', 'name'],
        ['state', 'code'],
        ['cause', 'label'],
        ['payload_id', 'label'],
        ['epoch', 'integer'],
        ['created_at', 'bigint'],
        ['settled_at', 'bigint', 'null'],
      ],
      indexes: [
        ['store', 'state'],
        ['store', 'cause'],
      ],
    },
  );
  await createTable(
    knex,
    'transfer_lines',
    [store, ['giver', 'name'], ['giver_incarnation', 'integer'], ['sequence', 'bigint'], sku],
    { columns: [['quantity', 'bigint']] },
  );
  // Demand as it was offered is what was sold (order lines) and what was refused or cut (here).
  await createTable(knex, 'refused_demand', [store, ['demand_id', 'id'], sku], {
    columns: [
      ['cart_id', 'id'],
      ['offered', 'bigint'],
      ['available', 'bigint'],
      ['recorded_at', 'bigint'],
    ],
    indexes: [['store', 'sku', 'recorded_at']],
  });
}

async function cartTables(knex: Knex): Promise<void> {
  // status: I (in process), closed, C (ordered): I < closed < C for ever.
  await createTable(knex, 'carts', [store, ['cart_id', 'id']], {
    columns: [
      ['token_hash', 'digest'],
      ['buyer_id', 'label'],
      ['status', 'code'],
      ['version', 'integer'],
      ['line_sequence', 'integer'],
      ['catalog', 'name'],
      ['currency', 'code'],
      ['created_site', 'name'],
      ['buyer', 'text', 'null'],
      ['ship_to', 'text', 'null'],
      ['bill_to', 'text', 'null'],
      ['shipping_method', 'label', 'null'],
      ['payment', 'text', 'null'],
      ['comments', 'text', 'null'],
      ['created_at', 'bigint'],
      ['updated_at', 'bigint'],
    ],
  });
  // A line's key is (creating site, sequence); its counter lets a later merge keep the later change.
  await createTable(
    knex,
    'cart_lines',
    [store, ['cart_id', 'id'], ['line_site', 'name'], ['line_sequence', 'integer']],
    {
      columns: [
        sku,
        ['quantity', 'bigint'],
        ['counter', 'integer'],
        ['counter_site', 'name'],
        ['removed', 'integer'],
        ['price_amount', 'bigint'],
        ['price_revision', 'bigint'],
      ],
    },
  );
}

async function orderTables(knex: Knex): Promise<void> {
  await createTable(knex, 'orders', [store, ['order_id', 'id']], {
    columns: [
      ['cart_id', 'id'],
      site,
      ['incarnation', 'integer'],
      ['mode', 'code'],
      ['attempt', 'integer'],
      ['partner', 'label', 'null'],
      ['order_version', 'integer'],
      ['state', 'code'],
      ['state_reason', 'text', 'null'],
      ['epoch', 'integer'],
      ['currency', 'code'],
      ['total_amount', 'bigint'],
      ['batch', 'label', 'null'],
      ['requested_by', 'label', 'null'],
      ['placed_at', 'bigint'],
      ['accepted_at', 'bigint', 'null'],
      ['confirmed_at', 'bigint', 'null'],
      ['confirmed_epoch', 'integer', 'null'],
    ],
    indexes: [
      ['store', 'state'],
      ['store', 'cart_id'],
    ],
  });
  // One order per cart for ever: the row names the one that won.
  await createTable(knex, 'cart_orders', [store, ['cart_id', 'id']], {
    columns: [
      ['order_id', 'id'],
      ['recorded_at', 'bigint'],
    ],
  });
  await createTable(knex, 'order_documents', [store, ['order_id', 'id'], ['order_version', 'integer']], {
    columns: [
      ['payload_id', 'label'],
      ['digest', 'digest'],
      ['document', 'longtext'],
    ],
  });
  // Quantity portions: a line begins as one portion and is split as partners answer for parts of it.
  await createTable(
    knex,
    'order_lines',
    [store, ['order_id', 'id'], ['line_number', 'integer'], ['portion_number', 'integer']],
    {
      columns: [sku, ['quantity', 'bigint'], ['unit_price_amount', 'bigint'], ['state', 'code']],
      indexes: [['store', 'sku']],
    },
  );
}

async function deliveryTables(knex: Knex): Promise<void> {
  // An outbox row is work: it leaves only by the transaction that books its answer.
  await createTable(knex, 'outbox', [store, ['outbox_id', 'id']], {
    columns: [
      ['destination', 'label'],
      ['kind', 'code'],
      ['subject', 'label'],
      ['epoch', 'integer'],
      ['batch', 'label', 'null'],
      ['batched_at', 'bigint', 'null'],
      ['tries', 'integer'],
      ['reason', 'text', 'null'],
      ['trace_context', 'label', 'null'],
      ['created_at', 'bigint'],
    ],
    indexes: [
      ['store', 'batch'],
      ['kind', 'batch', 'outbox_id'],
      ['store', 'kind', 'subject'],
    ],
  });
  await createTable(knex, 'inbox', [store, ['sender', 'label'], ['payload_id', 'label']], {
    columns: [
      ['kind', 'code'],
      ['digest', 'digest'],
      ['answer', 'longtext'],
      ['received_at', 'bigint'],
    ],
  });
  await createTable(knex, 'events', [store, ['subject', 'label'], ['sequence', 'integer']], {
    columns: [
      ['kind', 'code'],
      ['data', 'text'],
      ['occurred_at', 'bigint'],
    ],
  });
  await createTable(knex, 'parked_documents', [store, ['payload_id', 'label']], {
    columns: [
      ['kind', 'code'],
      ['sender', 'label'],
      ['subject', 'label'],
      ['reason', 'text'],
      ['document', 'longtext'],
      ['parked_at', 'bigint'],
    ],
  });
  // What was asked through the API; Temporal forgets closed workflows, this table does not.
  await createTable(knex, 'workflow_runs', [store, ['workflow_id', 'label']], {
    columns: [
      ['kind', 'code'],
      ['state', 'code'],
      ['input', 'longtext'],
      ['result', 'longtext', 'null'],
      ['requested_by', 'label'],
      ['created_at', 'bigint'],
      ['updated_at', 'bigint'],
    ],
    indexes: [['store', 'created_at']],
  });
}

async function accessTables(knex: Knex): Promise<void> {
  await createTable(knex, 'api_keys', [store, ['key_id', 'id']], {
    columns: [
      ['secret_hash', 'digest'],
      ['role', 'code'],
      ['site', 'name', 'null'],
      ['label', 'label'],
      ['created_at', 'bigint'],
      ['expires_at', 'bigint', 'null'],
      ['revoked_at', 'bigint', 'null'],
    ],
  });
  await createTable(knex, 'idempotency_keys', [store, ['idempotency_key', 'label'], ['route', 'label']], {
    columns: [
      ['body_digest', 'digest'],
      ['state', 'code'],
      ['status', 'integer', 'null'],
      ['headers', 'text', 'null'],
      ['body', 'longtext', 'null'],
      ['created_at', 'bigint'],
    ],
    indexes: [['created_at']],
  });
}
