/**
 * Every route of a site, and who may call it. A new route gets a row here, or test/api/refusals.test.ts fails: whoever
 * opens a route says so twice.
 */
import { type Express } from 'express';

type Role = 'buyer' | 'integrator' | 'operator' | 'partner' | 'monitor' | 'site';

export interface Row {
  /** Nobody for a route that is open to anyone. */
  readonly roles: readonly Role[];
  /** What it reads; absent for no body. */
  readonly takes?: 'json' | 'csv' | 'xml';
  /** Done at the primary only: elsewhere 421 and the right address. */
  readonly primary?: true;
  /** JSON that it takes, where {} will not do. */
  readonly body?: string;
  /** Guarded by the cart's token, too. */
  readonly cart?: true;
}

const OPEN: readonly Role[] = [];
const BUYERS: readonly Role[] = ['buyer', 'integrator', 'operator'];
const STAFF: readonly Role[] = ['integrator', 'operator'];
const OPERATORS: readonly Role[] = ['operator'];
const STORE = '/v1/stores/{store}';

export const MATRIX: Readonly<Record<string, Row>> = {
  'GET /openapi.json': { roles: OPEN },
  'GET /docs': { roles: OPEN },
  'GET /metrics': { roles: ['operator', 'monitor'] },
  'GET /healthz': { roles: OPEN },
  'GET /readyz': { roles: OPEN },
  'GET /codec': { roles: OPEN },
  'POST /codec/decode': { roles: OPERATORS, takes: 'json' },
  'POST /codec/encode': { roles: OPERATORS, takes: 'json' },
  'POST /codec/session': { roles: OPERATORS, takes: 'json' },
  'DELETE /codec/session': { roles: OPERATORS, takes: 'json' },
  [`GET ${STORE}/items`]: { roles: BUYERS },
  [`GET ${STORE}/items/{sku}`]: { roles: BUYERS },
  [`GET ${STORE}/catalogs`]: { roles: [...STAFF, 'site'] },
  [`POST ${STORE}/catalogs/{catalog}/import`]: { roles: STAFF, takes: 'csv', primary: true },
  [`GET ${STORE}/catalogs/{catalog}/drafts`]: { roles: STAFF, primary: true },
  [`GET ${STORE}/catalogs/{catalog}/drafts/{draft}`]: { roles: STAFF, primary: true },
  [`DELETE ${STORE}/catalogs/{catalog}/drafts/{draft}`]: { roles: STAFF, takes: 'json', primary: true },
  [`GET ${STORE}/catalogs/{catalog}/drafts/{draft}/changes`]: { roles: STAFF, primary: true },
  [`GET ${STORE}/catalogs/{catalog}/drafts/{draft}/items/{sku}`]: { roles: STAFF, primary: true },
  [`PUT ${STORE}/catalogs/{catalog}/drafts/{draft}/items/{sku}`]: {
    ...{ roles: STAFF, takes: 'json', primary: true },
    body: '{"description":"a","price":"1.00"}',
  },
  [`PATCH ${STORE}/catalogs/{catalog}/drafts/{draft}/items/{sku}`]: { roles: STAFF, takes: 'json', primary: true },
  [`DELETE ${STORE}/catalogs/{catalog}/drafts/{draft}/items/{sku}`]: { roles: STAFF, takes: 'json', primary: true },
  [`POST ${STORE}/catalogs/{catalog}/pushes`]: { roles: STAFF, takes: 'json', primary: true },
  [`GET ${STORE}/catalogs/{catalog}/status`]: { roles: STAFF },
  [`GET ${STORE}/catalogs/{catalog}/revisions`]: { roles: STAFF },
  [`GET ${STORE}/catalogs/{catalog}/revisions/{revision}/items`]: { roles: STAFF },
  [`POST ${STORE}/catalogs/{catalog}/revisions/{revision}/restorations`]: {
    roles: STAFF,
    takes: 'json',
    primary: true,
  },
  [`GET ${STORE}/catalogs/{catalog}/diff`]: { roles: STAFF },
  [`POST ${STORE}/catalogs/{catalog}/content`]: { roles: ['site'], takes: 'xml' },
  [`GET ${STORE}/catalogs/{catalog}/triggers`]: { roles: STAFF },
  [`PUT ${STORE}/catalogs/{catalog}/triggers/{trigger}`]: {
    ...{ roles: STAFF, takes: 'json', primary: true },
    body: '{"changes":1}',
  },
  [`DELETE ${STORE}/catalogs/{catalog}/triggers/{trigger}`]: { roles: STAFF, takes: 'json', primary: true },
  [`POST ${STORE}/catalogs/{catalog}/triggers/{trigger}/pauses`]: { roles: STAFF, takes: 'json', primary: true },
  [`DELETE ${STORE}/catalogs/{catalog}/triggers/{trigger}/pauses`]: { roles: STAFF, takes: 'json', primary: true },
  [`POST ${STORE}/catalogs/{catalog}/requests`]: { roles: STAFF, takes: 'json' },
  [`GET ${STORE}/groups`]: { roles: STAFF, primary: true },
  [`PUT ${STORE}/groups/{group}`]: { roles: STAFF, takes: 'json', primary: true },
  [`GET ${STORE}/sites/{site}/groups`]: { roles: STAFF },
  [`PUT ${STORE}/sites/{site}/groups`]: {
    ...{ roles: OPERATORS, takes: 'json', primary: true },
    body: '{"groups":[]}',
  },
  [`PUT ${STORE}/catalogs/{catalog}/audience`]: {
    ...{ roles: OPERATORS, takes: 'json', primary: true },
    body: '{"groups":[]}',
  },
  [`POST ${STORE}/carts`]: { roles: BUYERS, takes: 'json' },
  [`GET ${STORE}/carts/{cart}`]: { roles: BUYERS, cart: true },
  [`PATCH ${STORE}/carts/{cart}`]: { roles: BUYERS, takes: 'json', cart: true },
  [`GET ${STORE}/shipping-methods`]: { roles: BUYERS },
  [`POST ${STORE}/carts/{cart}/lines`]: { roles: BUYERS, takes: 'json', cart: true },
  [`PATCH ${STORE}/carts/{cart}/lines/{line}`]: { roles: BUYERS, takes: 'json', cart: true },
  [`DELETE ${STORE}/carts/{cart}/lines/{line}`]: { roles: BUYERS, takes: 'json', cart: true },
  [`POST ${STORE}/carts/{cart}/prices`]: { roles: BUYERS, takes: 'json', cart: true },
  [`POST ${STORE}/carts/{cart}/checkout`]: { roles: BUYERS, takes: 'json', cart: true },
  [`POST ${STORE}/carts/{cart}/purchase-order`]: { roles: BUYERS, takes: 'json', cart: true },
  [`GET ${STORE}/orders`]: { roles: STAFF },
  [`GET ${STORE}/orders/{order}`]: { roles: BUYERS },
  [`GET ${STORE}/orders/{order}/document`]: { roles: BUYERS },
  [`GET ${STORE}/deliveries`]: { roles: STAFF },
  [`POST ${STORE}/inventory/receipts`]: {
    ...{ roles: STAFF, takes: 'json', primary: true },
    body: '{"receiptId":"r","lines":[{"sku":"A","quantity":1}]}',
  },
  [`PUT ${STORE}/inventory/receipts/{receiptId}`]: { roles: STAFF, takes: 'csv', primary: true },
  [`GET ${STORE}/inventory/levels`]: { roles: STAFF },
  [`GET ${STORE}/inventory/transfers`]: { roles: STAFF },
  [`POST ${STORE}/inventory/transfers`]: { roles: ['site'], takes: 'xml' },
  [`GET ${STORE}/inventory/transfers/{transfer}`]: { roles: STAFF },
  [`POST ${STORE}/inventory/transfers/{transfer}/refusals`]: { roles: ['site'], takes: 'json' },
  [`POST ${STORE}/inventory/transfers/{transfer}/voids`]: { roles: OPERATORS, takes: 'json' },
  [`POST ${STORE}/inventory/moves`]: {
    ...{ roles: OPERATORS, takes: 'json' },
    body: '{"to":"north","lines":[{"sku":"A","quantity":1}]}',
  },
  [`POST ${STORE}/inventory/updates`]: {
    ...{ roles: STAFF, takes: 'json' },
    body: '{"updateId":"u","site":"hq","kind":"receipt","lines":[{"sku":"A","quantity":1}]}',
  },
  [`GET ${STORE}/inventory/updates`]: { roles: STAFF },
  [`POST ${STORE}/inventory/reallocations`]: {
    ...{ roles: STAFF, takes: 'json' },
    body: '{"taker":"north","lines":[{"sku":"A","quantity":1}]}',
  },
  [`GET ${STORE}/inventory/ledger`]: { roles: STAFF },
  [`GET ${STORE}/inventory/thresholds`]: { roles: STAFF },
  [`GET ${STORE}/inventory/thresholds/{sku}`]: { roles: STAFF },
  [`PUT ${STORE}/inventory/thresholds/{sku}`]: {
    ...{ roles: STAFF, takes: 'json' },
    body: '{"threshold":{"units":1}}',
  },
  [`DELETE ${STORE}/inventory/thresholds/{sku}`]: { roles: STAFF, takes: 'json' },
  [`POST ${STORE}/inventory/replenishments`]: { roles: STAFF, takes: 'json' },
  [`GET ${STORE}/inventory/replenishments`]: { roles: STAFF },
  [`POST ${STORE}/inventory/borrowings`]: { roles: ['site'], takes: 'xml' },
  [`POST ${STORE}/inventory/offers`]: { roles: ['site'], takes: 'xml' },
  [`POST ${STORE}/inventory/allocations`]: { roles: STAFF, takes: 'json', primary: true },
  [`GET ${STORE}/inventory/demand`]: { roles: STAFF },
  [`GET ${STORE}/workflows`]: { roles: STAFF },
  [`GET ${STORE}/workflows/{workflowId}`]: { roles: BUYERS },
  [`GET ${STORE}/workflows/{workflowId}/documents`]: { roles: OPERATORS },
  [`GET ${STORE}/topology`]: { roles: [...STAFF, 'site'] },
  [`GET ${STORE}/status`]: { roles: OPERATORS },
  [`POST ${STORE}/keys`]: { roles: OPERATORS, takes: 'json' },
  [`GET ${STORE}/keys`]: { roles: OPERATORS },
  [`POST ${STORE}/keys/{keyId}/rotations`]: { roles: OPERATORS, takes: 'json' },
  [`DELETE ${STORE}/keys/{keyId}`]: { roles: OPERATORS, takes: 'json' },
};

/** Layers of the router that belong to no route, in their order: none of them answers but with a problem. */
export const MIDDLEWARE = ['helmet', 'identifyRequest', 'rateLimit', 'nothing is there', 'answerErrors'];

interface Layer {
  /** False for what is mounted below a path. */
  readonly slash: boolean;
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: { readonly stack?: readonly Layer[] };
}

/** More methods than any route has: the layer that refuses all others. */
const METHODS_MAX = 8;

/** `GET /path/{name}` for every route that the running app's router holds; and what else stands in it. */
export function liveRoutes(app: Express): { routes: string[]; others: Layer[] } {
  const routes: string[] = [];
  const others: Layer[] = [];
  for (const layer of (app.router as unknown as { stack: readonly Layer[] }).stack) {
    if (!layer.route) {
      others.push(layer);
      continue;
    }
    const path = layer.route.path.replace(/:(\w+)/g, '{$1}');
    const methods = Object.keys(layer.route.methods);
    if (methods.length <= METHODS_MAX) routes.push(...methods.map((method) => `${method.toUpperCase()} ${path}`));
  }
  return { routes, others };
}
