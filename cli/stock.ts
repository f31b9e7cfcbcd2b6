/** `entrepot stock move|transfers|trace|void|ledger`: units on their way between sites, and what has moved. */
import { ApiProblem } from './api-client';
import { askEach, requireAll } from './each-site';
import { formatTime, print, printJson, printList } from './output';
import { type Target, resolveTarget, resolveTargets } from './target';
import { type TargetOptions } from './target-options';

const NOT_FOUND = 404;

interface Transfer {
  readonly transfer: string;
  readonly giver: string;
  readonly taker: string;
  readonly state: string;
  readonly units: number;
  readonly cause: string;
  readonly createdAt: string;
  readonly ageSeconds: number;
}

interface Movement {
  readonly movement: string;
  readonly kind: string;
  readonly account: string;
  readonly sku: string;
  readonly quantity: number;
  readonly cause: string;
  readonly recordedAt: string;
}

interface Trace extends Omit<Transfer, 'units' | 'ageSeconds'> {
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  readonly movements: readonly Movement[];
}

export async function runMove(
  sku: string,
  quantity: number,
  options: TargetOptions & { to: string; account?: string },
): Promise<void> {
  const { to, account, json } = options;
  const body = { to, lines: [{ sku, quantity }], ...(account === undefined ? {} : { account }) };
  type Accepted = { transfer: string; workflowId: string; temporalUi: string };
  const moved = (await resolveTarget(options).store<Accepted>('/inventory/moves', { method: 'POST', body })).body;
  if (json) printJson(moved);
  else
    print(
      `transfer ${moved.transfer}: ${quantity} of ${sku} are on their way to ${to}\nTemporal UI: ${moved.temporalUi}`,
    );
}

export async function runTransfers(options: TargetOptions & { state?: string; limit: number }): Promise<void> {
  const { state, limit, json } = options;
  const transfers = await resolveTarget(options).list<Transfer>('/inventory/transfers', { state }, limit);
  printList(
    json,
    transfers,
    ['transfer', 'from', 'to', 'units', 'state', 'age (s)', 'since', 'cause'],
    transfers.map(({ transfer, giver, taker, units, state: is, ageSeconds, createdAt, cause }) => [
      ...[transfer, giver, taker, units, is, ageSeconds],
      ...[formatTime(createdAt), cause],
    ]),
    'no transfers',
  );
}

/** What each site that is asked has of it: the giver and the taker, where both are. */
export async function runTrace(transfer: string, options: TargetOptions): Promise<void> {
  const { said: found, silent } = await askEach(resolveTargets(options), (target) => traceAt(target, transfer));
  printList(
    options.json,
    found,
    ['at', 'state', 'sku', 'units', 'account', 'movement', 'since'],
    found.flatMap(({ at, state, lines, movements, createdAt }) =>
      movements.length > 0
        ? movements.map(({ sku, quantity, account, movement, recordedAt }) => [
            ...[at, state, sku, quantity, account, movement],
            formatTime(recordedAt),
          ])
        : (lines.length > 0 ? lines : [{ sku: null, quantity: null }]).map(({ sku, quantity }) => [
            ...[at, state, sku, quantity, null, null],
            formatTime(createdAt),
          ]),
    ),
    `no site that ${silent.length > 0 ? 'answered' : 'was asked'} has part in transfer ${transfer}`,
  );
  requireAll(silent);
}

/** Nothing where the site has no part in it. */
async function traceAt(
  { name: at, client }: Target,
  transfer: string,
): Promise<readonly (Trace & { readonly at: string })[]> {
  try {
    return [{ at, ...(await client.store<Trace>(`/inventory/transfers/${encodeURIComponent(transfer)}`)).body }];
  } catch (error) {
    if (error instanceof ApiProblem && error.status === NOT_FOUND) return [];
    throw error;
  }
}

export async function runLedger(sku: string, options: TargetOptions & { limit: number }): Promise<void> {
  const movements = await resolveTarget(options).list<Movement>('/inventory/ledger', { sku }, options.limit);
  printList(
    options.json,
    movements,
    ['at', 'kind', 'units', 'account', 'movement', 'cause'],
    movements.map(({ recordedAt, kind, quantity, account, movement, cause }) => [
      ...[formatTime(recordedAt), kind, quantity, account, movement, cause],
    ]),
    `nothing of ${sku} has ever moved here`,
  );
}

export async function runVoid(transfer: string, options: TargetOptions): Promise<void> {
  const path = `/inventory/transfers/${encodeURIComponent(transfer)}/voids`;
  const { body } = await resolveTarget(options).store<{ state: string }>(path, { method: 'POST' });
  if (options.json) printJson(body);
  else if (body.state === 'void') print(`transfer ${transfer} is void: its units are here again`);
  else print(`transfer ${transfer} is ${body.state}: it was too late to take it back`);
}
