/** The simulation: it looks at nothing that is yet to come, loses no unit, and says which row of a file is wrong. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { OrderFileError, type OrderBook, dayStart, readOrders } from '../../cli/simulation/order-file';
import { POLICIES } from '../../cli/simulation/policies';
import { type Scenario, replay } from '../../cli/simulation/replay';
import { type Move } from '../../cli/simulation/world';
import { runEntrepot } from '../support/command';
import { FIRST_DAY, writeWeeks } from './sample-weeks';

const DAY_MS = 86_400_000;
const DAYS = 35;
const FROM_DAY = 17;
const FROM = FIRST_DAY + FROM_DAY * DAY_MS;
const SCENARIO: Scenario = { policy: 'value', sites: 4, fill: 1, cut: 0.2, seed: 1, from: FROM };

let folder: string;
let file: string;
let book: OrderBook;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-simulation-'));
  file = join(folder, 'orders.csv');
  writeWeeks(file, DAYS, 1);
  ({ book } = await readOrders(file, undefined, FROM));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function movesOf(of: OrderBook, scenario: Scenario): Move[] {
  const moves: Move[] = [];
  replay(of, { ...scenario, onMove: (move) => moves.push(move) });
  return moves;
}

test.each(POLICIES)('policy "%s" decides nothing by what is yet to come', async (policy) => {
  const whole = movesOf(book, { ...SCENARIO, policy });
  for (const day of [FROM_DAY + 3, DAYS - 5]) {
    const end = FIRST_DAY + day * DAY_MS;
    const cutFile = join(folder, `until-${day}.csv`);
    const rows = readFileSync(file, 'utf8').split('\n');
    const endText = new Date(end).toISOString().slice(0, 10);
    writeFileSync(cutFile, rows.filter((row) => row.startsWith('placed_at') || row.slice(0, 10) < endText).join('\n'));
    const { book: truncated } = await readOrders(cutFile, undefined, FROM);
    const before = movesOf(truncated, { ...SCENARIO, policy }).map((move) => named(truncated, move));
    expect(before.length).toBeGreaterThan(0);
    expect(before).toEqual(whole.slice(0, before.length).map((move) => named(book, move)));
    // What comes after it in the whole file is of that day or later.
    const next = whole[before.length];
    if (next) expect(next.at).toBeGreaterThan(truncated.orders.at(-1)?.at ?? 0);
  }
});

function named({ skus }: OrderBook, { item, ...move }: Move) {
  return { ...move, sku: skus[item] };
}

test('with links up borrowing sells all that one central stock could, and a split does not', () => {
  const up = (policy: Scenario['policy']) => replay(book, { ...SCENARIO, policy, cut: 0 });
  expect(up('value').rel).toBe(1);
  expect(up('value').short).toBe(0);
  expect(up('ask').rel).toBe(1);
  expect(up('equal').rel).toBeLessThan(0.95);
  expect(up('value').messages).toBeGreaterThan(up('equal').messages);
});

test('with links cut it sells more than asking does, and cut-off sites sell what they hold', () => {
  const value = replay(book, SCENARIO);
  const ask = replay(book, { ...SCENARIO, policy: 'ask' });
  expect(value.rel).toBeGreaterThan(ask.rel);
  expect(value.rel).toBeLessThanOrEqual(1);
  expect(ask.cut).toBe(0);
  expect(value.cut).toBeGreaterThan(0.5);
});

test('the same seed gives the same run, another seed other outages', () => {
  expect(replay(book, SCENARIO)).toEqual(replay(book, SCENARIO));
  expect(replay(book, { ...SCENARIO, seed: 2 })).not.toEqual(replay(book, SCENARIO));
});

test('a history and a period make the same run as one file, plain or gzip', async () => {
  const rows = readFileSync(file, 'utf8').trimEnd().split('\n');
  const at = new Date(FROM).toISOString().slice(0, 10);
  const [header = '', ...lines] = rows;
  const history = join(folder, 'history.csv.gz');
  const period = join(folder, 'period.csv');
  writeFileSync(history, gzipSync([header, ...lines.filter((row) => row.slice(0, 10) < at)].join('\n')));
  writeFileSync(period, [header, ...lines.filter((row) => row.slice(0, 10) >= at)].join('\n'));
  const { book: joined, from } = await readOrders(period, history, null);
  expect(from).toBe(FROM);
  expect(joined).toEqual(book);
});

test('cancellations and lines that are too large are left out; an invoice is one order', async () => {
  const small = join(folder, 'small.csv');
  writeFileSync(
    small,
    [
      'placed_at,invoice,sku,quantity,customer,country',
      '2011-01-03 08:00:00,1,A,2,7,United Kingdom',
      '2011-01-03 08:00:00,1,B,3,7,United Kingdom',
      '2011-01-03 09:00:00,C2,A,-2,7,United Kingdom',
      '2011-01-03 09:30:00,3,A,2001,7,France',
      '2011-01-03 10:00:00,4,A,5,,France',
    ].join('\n'),
  );
  const { book: read } = await readOrders(small, undefined, null);
  expect(read.skus).toEqual(['A', 'B']);
  expect(read.orders.map(({ lines, abroad }) => [abroad, lines.map(({ quantity }) => quantity)])).toEqual([
    [false, [2, 3]],
    [true, [5]],
  ]);
});

test.each([
  ['2011-01-03 8:00,1,A,2,7,France', /line 2, column placed_at: "2011-01-03 8:00" is no time/],
  ['2011-01-03 08:00:00,1,A,two,7,France', /line 2, column quantity: "two" is no whole number/],
  ['2011-01-03 08:00:00,1,,2,7,France', /line 2, column sku: it is empty/],
  ['2011-01-03 08:00:00,,A,2,7,France', /line 2, column invoice: it is empty/],
])('a bad row is named: %s', async (row, message) => {
  const wrong = join(folder, 'wrong.csv');
  writeFileSync(wrong, `placed_at,invoice,sku,quantity,customer,country\n${row}\n`);
  const reading = readOrders(wrong, undefined, FIRST_DAY);
  await expect(reading).rejects.toBeInstanceOf(OrderFileError);
  await expect(reading).rejects.toThrow(message);
});

test('a missing column, a missing file and a wrong day are named', async () => {
  const wrong = join(folder, 'columns.csv');
  writeFileSync(wrong, 'placed_at,invoice,sku,customer,country\n');
  await expect(readOrders(wrong, undefined, FIRST_DAY)).rejects.toThrow(/line 1: column quantity is missing/);
  await expect(readOrders(join(folder, 'none.csv'), undefined, FIRST_DAY)).rejects.toThrow(/none\.csv can't be read/);
  expect(() => dayStart('September')).toThrow(/"September" is no day/);
});

test('the command prints a row for each policy, and names what is wrong in a file', async () => {
  const words = ['inventory', 'simulate', '--orders', file, '--from', new Date(FROM).toISOString().slice(0, 10)];
  const wrong = join(folder, 'no-number.csv');
  writeFileSync(wrong, 'placed_at,invoice,sku,quantity,customer,country\n2011-01-03 08:00:00,1,A,x,7,France\n');
  const [table, refused] = await Promise.all([
    runEntrepot([...words, '--sites', '3', '--cut', '0.2', '--seed', '4'], { cwd: folder }),
    runEntrepot(['inventory', 'simulate', '--orders', wrong], { cwd: folder }),
  ]);
  expect(table.code).toBe(0);
  expect(table.stdout).toMatch(/^policy +rel +rel, cut +messages +moved +short +at cut-off sites\n/);
  expect(table.stdout).toMatch(/by value, borrowing at the sale +1\.0000 +0\.\d{4} /);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/no-number\.csv, line 2, column quantity: "x" is no whole number/);
});
