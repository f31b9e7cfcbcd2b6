/** `entrepot stock` and `inventory levels` against running sites, as an operator moves and looks for units. */
import { giveNext } from '../../activities/inventory/giving';
import { loadTopology } from '../../db/topology';
import { formatTransferId } from '../../domain/inventory';
import { type Outcome, runEntrepot } from '../support/command';
import { until } from '../support/until';
import { World } from '../support/world';

let world: World;
beforeAll(async () => {
  world = await World.start('sqlite');
  const lines = [{ sku: 'A', quantity: 20 }];
  await world.call('hq', 'POST', '/inventory/receipts', { body: { receiptId: 'first', lines } });
});
afterAll(() => world.stop());

const run = (...words: string[]) => runEntrepot([...words, '--data', world.trialDirectory()], { cwd: world.folder });
const stock = (...words: string[]) => run('stock', ...words);
/** What was printed, with one space for each gap of a table. */
const shown = ({ stdout }: Outcome) => stdout.replace(/ +/g, ' ');

/** Units that have left hq under a name that nobody brings anywhere. */
async function stuck(taker: string, quantity: number): Promise<string> {
  const { db } = world.site('hq').context;
  const transfer = await db.transaction(async (tx) => {
    const own = await loadTopology(tx, world.store);
    const takerIncarnation = own.topology.sites.find(({ site }) => site === taker)?.incarnation ?? 0;
    const lines = [{ sku: 'A', quantity }];
    const about = { taker, takerIncarnation, cause: 'move:test', lines, domain: 'shop.example', now: Date.now() };
    return (await giveNext(tx, own, 'pool', about)).transfer;
  });
  return formatTransferId(transfer);
}

test('units that are moved are seen on their way, at both ends, in the ledger and in the levels', async () => {
  const moved = await stock('move', 'A', '3', '--to', 'north');
  expect(moved).toMatchObject({ code: 0, stderr: '' });
  const [, transfer = ''] = /^transfer (\S+): 3 of A are on their way to north\n/.exec(moved.stdout) ?? [];
  await until('the credit', async () => {
    const listed = JSON.parse((await stock('transfers', '--state', 'credited', '--json')).stdout) as {
      transfer: string;
    }[];
    return listed.some((one) => one.transfer === transfer);
  });
  const [transfers, trace, ledger, levels] = await Promise.all([
    stock('transfers', '--site', 'north'),
    stock('trace', transfer),
    stock('ledger', 'A', '--site', 'north'),
    run('inventory', 'levels', '--sku', 'A', '--site', 'north'),
  ]);
  expect(shown(transfers)).toContain(`${transfer} hq north 3 credited `);
  expect(shown(trace)).toContain(`hq credited A -3 pool transfer:${transfer} `);
  expect(shown(trace)).toContain(`north credited A 3 own transfer:${transfer} `);
  expect(shown(ledger)).toMatch(new RegExp(`transfer-in 3 own transfer:${transfer} `));
  expect(shown(levels)).toMatch(/^A 3 0 0 *$/m);
});

test('a ledger is read page by page, newest first, to its beginning', async () => {
  const all = JSON.parse((await stock('ledger', 'A', '--json')).stdout) as { quantity: number; movement: string }[];
  expect(all.at(-1)).toMatchObject({ movement: 'receipt:hq:first', quantity: 20 });
  const pages: unknown[] = [];
  let cursor = '';
  do {
    const { body } = await world.call('hq', 'GET', `/inventory/ledger?sku=A&limit=1${cursor}`);
    pages.push(...(body.items ?? []));
    cursor = typeof body['next'] === 'string' ? `&after=${body['next']}` : '';
  } while (cursor !== '');
  expect(pages).toEqual(all);
});

test('what is stuck is taken back, what was credited is not, and both are said', async () => {
  const transfer = await stuck('south', 4);
  const open = await stock('transfers', '--state', 'in-flight');
  expect(shown(open)).toContain(`${transfer} hq south 4 in-flight `);
  const voided = await stock('void', transfer);
  expect(voided).toMatchObject({ code: 0, stdout: `transfer ${transfer} is void: its units are here again\n` });
  const trace = shown(await stock('trace', transfer));
  expect(trace).toContain(`hq void A 4 pool void:${transfer} `);
  expect(trace).toMatch(/^south tombstone /m);
  const [credited] = JSON.parse((await stock('transfers', '--state', 'credited', '--json')).stdout) as {
    transfer: string;
  }[];
  const late = await stock('void', credited?.transfer ?? '');
  expect(late.stdout).toBe(`transfer ${credited?.transfer} is credited: it was too late to take it back\n`);
});

test('while a site is away the others are shown, and it is named; nothing is taken back from it', async () => {
  const transfer = await stuck('south', 1);
  await world.stopSite('south');
  const [trace, voided] = await Promise.all([stock('trace', transfer), stock('void', transfer)]);
  expect(shown(trace)).toContain(`hq in-flight A -1 pool transfer:${transfer} `);
  expect([trace.code, trace.stderr]).toEqual([
    3,
    expect.stringContaining(`no answer from ${world.config('south').url}`),
  ]);
  expect([voided.code, voided.stderr]).toEqual([1, expect.stringContaining('"south" does not answer')]);
  await world.startSite('south');
  expect((await stock('void', transfer)).code).toBe(0);
});

describe('what can not be done is said with the way out', () => {
  const refused: [string[], number, string][] = [
    [['move', 'A', '99', '--to', 'north'], 1, 'too little in pool: 99 of "A", 17 there'],
    [['move', 'A', '1', '--to', 'nowhere'], 1, '"nowhere" is no other site of this store: north, south'],
    [['move', 'A', '1', '--to', 'north', '--account', 'safe'], 2, 'allowed: own, pool'],
    [['trace', 'north'], 2, 'giver.incarnation.sequence, such as hq.1.7'],
    [['void', 'north.1.1'], 1, 'site "hq" gave no transfer north.1.1'],
    [['transfers', '--state', 'lost'], 2, 'allowed: in-flight, credited, in-doubt'],
    [['replenish'], 1, '"hq" is the primary'],
    [['threshold', 'A'], 1, '"A" has no threshold at site "hq": it is never short until one is set'],
    [['threshold', 'A', '3', '--remove'], 2, 'leave the threshold and --refill-to out'],
    [['threshold', 'A', '--refill-to', '9'], 2, '--refill-to needs a threshold'],
  ];
  test('by its exit code and one line', async () => {
    const outcomes: Outcome[] = [];
    for (const [words] of refused) outcomes.push(await stock(...words));
    expect(outcomes.map(({ code, stdout }) => [code, stdout])).toEqual(refused.map(([, code]) => [code, '']));
    for (const [index, [, , expected]] of refused.entries()) expect(outcomes[index]?.stderr).toContain(expected);
  });

  test('and what is not there is no failure', async () => {
    const [ledger, trace] = await Promise.all([stock('ledger', 'none'), stock('trace', 'hq.1.99')]);
    expect(ledger).toMatchObject({ code: 0, stdout: 'nothing of none has ever moved here\n' });
    expect(trace).toMatchObject({ code: 0, stdout: 'no site that was asked has part in transfer hq.1.99\n' });
  });
});

test('thresholds and what is asked for are set and shown', async () => {
  const set = await stock('threshold', 'A', '5', '--refill-to', '8', '--site', 'north');
  expect(shown(set)).toContain('A 5 8 5 units, then 8 units');
  expect(shown(await stock('thresholds', '--site', 'north'))).toContain('A 5 8 5 units, then 8 units');
  expect((await stock('replenish', '--site', 'north')).stdout).toContain('the site looks what it is short of');
  const answered = await until('the answer', async () => {
    const listed = shown(await stock('replenishments', '--site', 'north'));
    return listed.includes(' full ') && listed;
  });
  expect(answered).toMatch(/ hq A 5 full 5/);
});
