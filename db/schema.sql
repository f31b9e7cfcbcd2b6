-- Made by the migrations on SQLite; renewed by "npm run schema".

CREATE TABLE api_keys (store varchar(32) not null,
  key_id varchar(36) not null,
  secret_hash varchar(64) not null,
  role varchar(32) not null,
  site varchar(32) null,
  label varchar(255) not null,
  created_at bigint not null,
  expires_at bigint null,
  revoked_at bigint null,
  viewer_groups varchar(255) null,
  primary key (store, key_id));

CREATE TABLE borrowing_asks (store varchar(32) not null,
  ask varchar(255) not null,
  borrowing varchar(255) not null,
  site varchar(32) not null,
  line_list text not null,
  answer text null,
  answered_whole integer not null,
  created_at bigint not null,
  primary key (store, ask));

CREATE INDEX borrowing_asks_store_borrowing on borrowing_asks (store, borrowing);

CREATE TABLE borrowing_wants (store varchar(32) not null,
  borrowing varchar(255) not null,
  sku varchar(64) not null,
  quantity bigint not null,
  wanted_until bigint not null,
  primary key (store, borrowing, sku));

CREATE INDEX borrowing_wants_store_sku on borrowing_wants (store, sku);

CREATE TABLE borrowings (store varchar(32) not null,
  borrowing varchar(255) not null,
  asker varchar(32) not null,
  taker varchar(32) not null,
  taker_incarnation integer not null,
  cart_id varchar(36) null,
  line_list text not null,
  digest varchar(64) not null,
  answer text null,
  created_at bigint not null,
  primary key (store, borrowing));

CREATE INDEX borrowings_store_cart_id on borrowings (store, cart_id);

CREATE TABLE cart_lines (store varchar(32) not null,
  cart_id varchar(36) not null,
  line_site varchar(32) not null,
  line_sequence integer not null,
  sku varchar(64) not null,
  quantity bigint not null,
  counter integer not null,
  counter_site varchar(32) not null,
  removed integer not null,
  price_amount bigint not null,
  price_revision bigint not null,
  primary key (store, cart_id, line_site, line_sequence));

CREATE TABLE cart_orders (store varchar(32) not null,
  cart_id varchar(36) not null,
  order_id varchar(36) not null,
  recorded_at bigint not null,
  primary key (store, cart_id));

CREATE TABLE carts (store varchar(32) not null,
  cart_id varchar(36) not null,
  token_hash varchar(64) not null,
  buyer_id varchar(255) not null,
  status varchar(32) not null,
  version integer not null,
  line_sequence integer not null,
  catalog varchar(32) not null,
  currency varchar(32) not null,
  created_site varchar(32) not null,
  buyer text null,
  ship_to text null,
  bill_to text null,
  shipping_method varchar(255) null,
  payment text null,
  comments text null,
  created_at bigint not null,
  updated_at bigint not null,
  viewer_groups varchar(255) null,
  primary key (store, cart_id));

CREATE TABLE catalog_confirmations (store varchar(32) not null,
  catalog varchar(32) not null,
  partition_name varchar(255) not null,
  site varchar(32) not null,
  revision bigint not null,
  target_revision bigint not null,
  state varchar(32) not null,
  payload_id varchar(255) null,
  tries integer not null,
  held_since bigint null,
  reason text null,
  workflow_id varchar(255) null,
  confirmed_at bigint null,
  updated_at bigint not null,
  primary key (store, catalog, partition_name, site));

CREATE TABLE catalog_documents (store varchar(32) not null,
  catalog varchar(32) not null,
  partition_name varchar(255) not null,
  base_revision bigint not null,
  revision bigint not null,
  payload_id varchar(255) not null,
  bytes bigint not null,
  compressed_bytes bigint not null,
  content_digest varchar(64) not null,
  item_count integer not null,
  created_at bigint not null,
  primary key (store, catalog, partition_name, base_revision, revision));

CREATE TABLE catalog_drafts (store varchar(32) not null,
  catalog varchar(32) not null,
  sku varchar(64) not null,
  withdrawn integer not null,
  description text not null,
  price_amount bigint not null,
  currency varchar(32) not null,
  unit_of_measure varchar(32) not null,
  classification_domain varchar(255) not null,
  classification_code varchar(255) not null,
  lead_time_days integer not null,
  attributes text not null,
  audience varchar(255) not null,
  content_hash varchar(64) not null,
  updated_at bigint not null,
  group_prices text null,
  primary key (store, catalog, sku));

CREATE TABLE catalog_indexes (store varchar(32) not null,
  catalog varchar(32) not null,
  revision bigint not null,
  oldest_revision bigint not null,
  indexer varchar(36) null,
  beat_at bigint not null,
  primary key (store, catalog));

CREATE TABLE catalog_revisions (store varchar(32) not null,
  catalog varchar(32) not null,
  revision bigint not null,
  base_revision bigint not null,
  item_count integer not null,
  digest varchar(64) not null,
  published_at bigint not null,
  request varchar(255) not null,
  indexed_at bigint null,
  audience varchar(255) null,
  partition_name varchar(255) null,
  primary key (store, catalog, revision));

CREATE TABLE catalog_triggers (store varchar(32) not null,
  catalog varchar(32) not null,
  trigger_name varchar(32) not null,
  draft varchar(32) not null,
  spec text not null,
  state varchar(32) not null,
  version integer not null,
  applied_version integer not null,
  updated_at bigint not null,
  primary key (store, catalog, trigger_name));

CREATE TABLE catalog_views (store varchar(32) not null,
  catalog varchar(32) not null,
  partition_name varchar(255) not null,
  revision bigint not null,
  item_count integer not null,
  digest varchar(64) not null,
  primary key (store, catalog, partition_name, revision));

CREATE TABLE catalogs (store varchar(32) not null,
  catalog varchar(32) not null,
  revision bigint not null,
  item_count integer not null,
  digest varchar(64) not null,
  staging_revision bigint null,
  updated_at bigint not null,
  stager varchar(36) null,
  audience varchar(255) null,
  partition_name varchar(255) null,
  primary key (store, catalog));

CREATE TABLE demand_counted (store varchar(32) not null,
  source varchar(36) not null,
  primary key (store, source));

CREATE TABLE demand_counting (store varchar(32) not null,
  counted_since bigint not null,
  reached_at bigint not null,
  primary key (store));

CREATE TABLE demand_heard (store varchar(32) not null,
  source varchar(255) not null,
  site varchar(32) not null,
  cart_id varchar(36) null,
  line_list text not null,
  asked_at bigint not null,
  primary key (store, source));

CREATE TABLE demand_refused (store varchar(32) not null,
  cart_id varchar(36) not null,
  sku varchar(64) not null,
  units bigint not null,
  asked_at bigint not null,
  primary key (store, cart_id, sku));

CREATE INDEX demand_refused_store_asked_at on demand_refused (store, asked_at);

CREATE TABLE demand_tallies (store varchar(32) not null,
  site varchar(32) not null,
  sku varchar(64) not null,
  counted_at bigint not null,
  counts text not null,
  primary key (store, site, sku));

CREATE INDEX demand_tallies_store_sku on demand_tallies (store, sku);

CREATE TABLE draft_changes (store varchar(32) not null,
  catalog varchar(32) not null,
  draft varchar(32) not null,
  sku varchar(64) not null,
  holds_from bigint not null,
  withdrawn integer not null,
  price_only integer not null,
  description text not null,
  price_amount bigint not null,
  currency varchar(32) not null,
  unit_of_measure varchar(32) not null,
  classification_domain varchar(255) not null,
  classification_code varchar(255) not null,
  lead_time_days integer not null,
  attributes text not null,
  audience varchar(255) not null,
  content_hash varchar(64) not null,
  updated_at bigint not null,
  group_prices text null,
  primary key (store, catalog, draft, sku, holds_from));

CREATE TABLE events (store varchar(32) not null,
  subject varchar(255) not null,
  sequence integer not null,
  kind varchar(32) not null,
  data text not null,
  occurred_at bigint not null,
  primary key (store, subject, sequence));

CREATE TABLE idempotency_keys (store varchar(32) not null,
  idempotency_key varchar(255) not null,
  route varchar(255) not null,
  body_digest varchar(64) not null,
  state varchar(32) not null,
  status integer null,
  headers text null,
  body text null,
  created_at bigint not null,
  primary key (store, idempotency_key, route));

CREATE INDEX idempotency_keys_created_at on idempotency_keys (created_at);

CREATE TABLE inbox (store varchar(32) not null,
  sender varchar(255) not null,
  payload_id varchar(255) not null,
  kind varchar(32) not null,
  digest varchar(64) not null,
  answer text not null,
  received_at bigint not null,
  primary key (store, sender, payload_id));

CREATE TABLE item_texts (store varchar(32) not null,
  text_id integer not null,
  catalog varchar(32) not null,
  sku varchar(64) not null,
  from_revision bigint not null,
  to_revision bigint not null,
  words text not null,
  primary key (text_id));

CREATE UNIQUE INDEX item_texts_store_catalog_sku_from_revision ON item_texts (store, catalog, sku, from_revision);

CREATE INDEX item_texts_store_catalog_to_revision ON item_texts (store, catalog, to_revision);

CREATE TRIGGER item_texts_deleted AFTER DELETE ON item_texts BEGIN INSERT INTO item_words (item_words, rowid, words) VALUES ('delete', old.text_id, old.words); END;

CREATE TRIGGER item_texts_written AFTER INSERT ON item_texts BEGIN INSERT INTO item_words (rowid, words) VALUES (new.text_id, new.words); END;

CREATE TABLE item_versions (store varchar(32) not null,
  catalog varchar(32) not null,
  sku varchar(64) not null,
  from_revision bigint not null,
  to_revision bigint not null,
  partition_name varchar(255) not null,
  description text not null,
  price_amount bigint not null,
  currency varchar(32) not null,
  unit_of_measure varchar(32) not null,
  classification_domain varchar(255) not null,
  classification_code varchar(255) not null,
  lead_time_days integer not null,
  attributes text not null,
  audience varchar(255) not null,
  content_hash varchar(64) not null,
  group_prices text null,
  primary key (store, catalog, sku, from_revision));

CREATE INDEX item_versions_store_catalog_from_revision on item_versions (store, catalog, from_revision);

CREATE INDEX item_versions_store_catalog_to_revision on item_versions (store, catalog, to_revision);

CREATE VIRTUAL TABLE item_words USING fts5(words, content='item_texts', content_rowid='text_id', detail='none', columnsize=0, tokenize="ascii tokenchars '_'");

CREATE TABLE order_documents (store varchar(32) not null,
  order_id varchar(36) not null,
  order_version integer not null,
  payload_id varchar(255) not null,
  digest varchar(64) not null,
  document text not null,
  primary key (store, order_id, order_version));

CREATE TABLE order_lines (store varchar(32) not null,
  order_id varchar(36) not null,
  line_number integer not null,
  portion_number integer not null,
  sku varchar(64) not null,
  quantity bigint not null,
  unit_price_amount bigint not null,
  state varchar(32) not null,
  primary key (store, order_id, line_number, portion_number));

CREATE INDEX order_lines_store_sku on order_lines (store, sku);

CREATE TABLE orders (store varchar(32) not null,
  order_id varchar(36) not null,
  cart_id varchar(36) not null,
  site varchar(32) not null,
  incarnation integer not null,
  mode varchar(32) not null,
  attempt integer not null,
  partner varchar(255) null,
  order_version integer not null,
  state varchar(32) not null,
  state_reason text null,
  epoch integer not null,
  currency varchar(32) not null,
  total_amount bigint not null,
  batch varchar(255) null,
  requested_by varchar(255) null,
  placed_at bigint not null,
  accepted_at bigint null,
  confirmed_at bigint null,
  confirmed_epoch integer null,
  primary key (store, order_id));

CREATE INDEX orders_store_cart_id on orders (store, cart_id);

CREATE INDEX orders_store_state on orders (store, state);

CREATE TABLE outbox (store varchar(32) not null,
  outbox_id varchar(36) not null,
  destination varchar(255) not null,
  kind varchar(32) not null,
  subject varchar(255) not null,
  epoch integer not null,
  batch varchar(255) null,
  batched_at bigint null,
  tries integer not null,
  reason text null,
  trace_context varchar(255) null,
  created_at bigint not null,
  primary key (store, outbox_id));

CREATE INDEX outbox_kind_batch_outbox_id on outbox (kind, batch, outbox_id);

CREATE INDEX outbox_store_batch on outbox (store, batch);

CREATE INDEX outbox_store_kind_subject on outbox (store, kind, subject);

CREATE TABLE parked_documents (store varchar(32) not null,
  payload_id varchar(255) not null,
  kind varchar(32) not null,
  sender varchar(255) not null,
  subject varchar(255) not null,
  reason text not null,
  document text not null,
  parked_at bigint not null,
  primary key (store, payload_id));

CREATE TABLE refused_demand (store varchar(32) not null,
  demand_id varchar(36) not null,
  sku varchar(64) not null,
  cart_id varchar(36) not null,
  offered bigint not null,
  available bigint not null,
  recorded_at bigint not null,
  primary key (store, demand_id, sku));

CREATE INDEX refused_demand_store_sku_recorded_at on refused_demand (store, sku, recorded_at);

CREATE TABLE replenishments (store varchar(32) not null,
  request varchar(36) not null,
  parent varchar(32) not null,
  line_list text not null,
  answers text null,
  created_at bigint not null,
  answered_at bigint null,
  primary key (store, request));

CREATE INDEX replenishments_store_created_at on replenishments (store, created_at);

CREATE TABLE site_groups (store varchar(32) not null,
  site varchar(32) not null,
  groups_served varchar(255) not null,
  updated_at bigint not null,
  primary key (store, site));

CREATE TABLE sites (store varchar(32) not null,
  site varchar(32) not null,
  role varchar(32) not null,
  parent varchar(32) null,
  url text not null,
  incarnation integer not null,
  updated_at bigint not null,
  primary key (store, site));

CREATE TABLE stock_ledger (store varchar(32) not null,
  movement_id varchar(255) not null,
  sku varchar(64) not null,
  account varchar(32) not null,
  kind varchar(32) not null,
  quantity bigint not null,
  counterparty varchar(32) null,
  transfer_id varchar(255) null,
  cause varchar(255) not null,
  epoch integer not null,
  incarnation integer not null,
  recorded_at bigint not null,
  primary key (store, movement_id, sku, account));

CREATE INDEX stock_ledger_store_sku on stock_ledger (store, sku);

CREATE TABLE stock_levels (store varchar(32) not null,
  sku varchar(64) not null,
  account varchar(32) not null,
  rights bigint not null,
  primary key (store, sku, account));

CREATE TABLE stock_thresholds (store varchar(32) not null,
  sku varchar(64) not null,
  threshold_units bigint not null,
  refill_units bigint not null,
  own_rule text null,
  instead_sku varchar(64) null,
  primary key (store, sku));

CREATE TABLE stock_updates (store varchar(32) not null,
  update_id varchar(255) not null,
  site varchar(32) not null,
  kind varchar(32) not null,
  line_list text not null,
  digest varchar(64) not null,
  result text null,
  short_units bigint not null,
  created_at bigint not null,
  applied_at bigint null,
  primary key (store, update_id));

CREATE INDEX stock_updates_store_created_at on stock_updates (store, created_at);

CREATE TABLE topology (store varchar(32) not null,
  version integer not null,
  epoch integer not null,
  primary_site varchar(32) not null,
  own_site varchar(32) not null,
  data_id varchar(36) not null,
  updated_at bigint not null,
  primary key (store));

CREATE TABLE transfer_lines (store varchar(32) not null,
  giver varchar(32) not null,
  giver_incarnation integer not null,
  sequence bigint not null,
  sku varchar(64) not null,
  quantity bigint not null,
  primary key (store, giver, giver_incarnation, sequence, sku));

CREATE TABLE transfer_sequences (store varchar(32) not null,
  incarnation integer not null,
  last_sequence bigint not null,
  primary key (store, incarnation));

CREATE TABLE transfers (store varchar(32) not null,
  giver varchar(32) not null,
  giver_incarnation integer not null,
  sequence bigint not null,
  taker varchar(32) not null,
  state varchar(32) not null,
  cause varchar(255) not null,
  payload_id varchar(255) not null,
  epoch integer not null,
  created_at bigint not null,
  settled_at bigint null,
  taker_incarnation integer null,
  primary key (store, giver, giver_incarnation, sequence));

CREATE INDEX transfers_store_cause on transfers (store, cause);

CREATE INDEX transfers_store_state on transfers (store, state);

CREATE TABLE user_groups (store varchar(32) not null,
  group_id varchar(32) not null,
  group_name varchar(32) not null,
  created_at bigint not null,
  primary key (store, group_id));

CREATE TABLE workflow_runs (store varchar(32) not null,
  workflow_id varchar(255) not null,
  kind varchar(32) not null,
  state varchar(32) not null,
  input text not null,
  result text null,
  requested_by varchar(255) not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (store, workflow_id));

CREATE INDEX workflow_runs_store_created_at on workflow_runs (store, created_at);
