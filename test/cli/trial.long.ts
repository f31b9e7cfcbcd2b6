/** `entrepot start` and `entrepot demo` as a user runs them: real sites, a real Temporal server, real kills. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readTrial } from '../../cli/trial/data-directory';
import { type Trial } from '../../cli/trial/layout';
import { findFreePortBase } from '../../cli/trial/ports';
import { ARCHIVE_DIR } from '../support/archive';

const run = promisify(execFile);
const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');
/** The first start may have to build a Temporal server, milliseconds. */
const START_TIMEOUT_MS = 10 * 60_000;
const DEMO_TIMEOUT_MS = 10 * 60_000;
const PORT_OFFSETS = [0, 1, 2, 33, 34];
const LOOK_AGAIN_MS = 100;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-trial-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

class Run {
  readonly child: ChildProcess;
  output = '';
  readonly ended: Promise<number | null>;
  private readonly waiting: (() => void)[] = [];

  constructor(...words: string[]) {
    const env = { ...process.env, ENTREPOT_DOCUMENTS_ARCHIVE_DIR: ARCHIVE_DIR };
    this.child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env });
    const take = (chunk: Buffer) => {
      this.output += chunk.toString();
      for (const look of this.waiting) look();
    };
    this.child.stdout?.on('data', take);
    this.child.stderr?.on('data', take);
    this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)));
  }

  async says(text: string): Promise<void> {
    const said = new Promise<void>((resolve) => {
      const look = () => this.output.includes(text) && resolve();
      this.waiting.push(look);
      look();
    });
    const over = this.ended.then((code) => {
      if (!this.output.includes(text)) throw new Error(`ended with ${code} without "${text}":\n${this.output}`);
    });
    await Promise.race([said, over]);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
}

function ports(trial: Trial): number[] {
  return [...trial.sites.map(({ port }) => port), trial.temporal.port, trial.temporal.uiPort];
}

/** Resolves when nothing of the trial system listens any more; Jest's time-out is the limit. */
async function nothingListens(trial: Trial): Promise<void> {
  while ((await Promise.all(ports(trial).map(accepts))).some(Boolean)) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

function trialIn(data: string): Trial {
  const trial = readTrial(data);
  if (!trial) throw new Error(`no trial system was made in ${data}`);
  return trial;
}

async function buyAsPrinted(output: string): Promise<{ orderId: string; state: string }> {
  const snippet = /Buy something[^\n]*\n\n([\s\S]*?)\n\n/.exec(output)?.[1];
  if (snippet === undefined) throw new Error(`no line that buys something in:\n${output}`);
  const { stdout } = await run('bash', ['-c', snippet]);
  return JSON.parse(stdout) as { orderId: string; state: string };
}

describe('entrepot start', () => {
  it(
    'brings goods to sell, sells, stops cleanly, finds its data again, and leaves nothing behind when it is killed',
    async () => {
      const data = join(folder, 'trial');
      const base = await findFreePortBase(5100, 100, PORT_OFFSETS);
      const words = ['start', '--data', data];

      const first = new Run(...words, '--port-base', String(base));
      await first.says('Ctrl-C stops everything');
      expect(first.output).toMatch(/hq +primary +http:\/\/127\.0\.0\.1:\d+ +1\.1 +3,514/);
      expect(first.output).toMatch(/south +secondary +http:\/\/127\.0\.0\.1:\d+ +1\.1 +3,514/);
      const { orderId } = await buyAsPrinted(first.output);
      first.child.kill('SIGINT');
      expect(await first.ended).toBe(0);
      const trial = trialIn(data);
      await nothingListens(trial);

      const second = new Run(...words);
      await second.says('Ctrl-C stops everything');
      expect(second.output).not.toContain('items imported');
      const shown = await run(process.execPath, [
        ...[MAIN, 'orders', 'show', orderId, '--data', data, '--site', 'north', '--json'],
      ]);
      expect(JSON.parse(shown.stdout)).toMatchObject({ orderId });
      const other = new Run(...words);
      expect(await other.ended).toBe(1);
      expect(other.output).toContain('already runs on');
      second.child.kill('SIGKILL');
      await second.ended;
      await nothingListens(trial);
    },
    START_TIMEOUT_MS,
  );
});

describe('entrepot demo', () => {
  async function demo(name: string, ...words: string[]): Promise<{ code: number | null; output: string; log: string }> {
    const data = join(folder, name);
    const shown = new Run('demo', '--seed', '7', '--data', data, ...words);
    const code = await shown.ended;
    return { code, output: shown.output, log: readFileSync(join(data, 'buyers.jsonl'), 'utf8') };
  }

  it(
    'holds what it promises',
    async () => {
      const { code, output, log } = await demo('right');
      expect(output).not.toContain('VIOLATED');
      expect({ code, output }).toMatchObject({ code: 0 });
      const entries = log.trimEnd().split('\n').slice(1);
      expect(entries).toHaveLength(141 + 200);
      expect(entries.filter((line) => line.includes('"part":"last-units"') && line.includes('"ordered"'))).toHaveLength(
        50,
      );
    },
    DEMO_TIMEOUT_MS,
  );

  it.each([
    ['lost-order', /is lost: the primary has no such order/],
    ['oversell', /is oversold: 51 of 50 units/],
    ['stale-catalogue', /the catalogue of north is stale/],
  ])(
    'ends with 1 and the reason when sabotaged: %s',
    async (kind, reason) => {
      const { code, output } = await demo(kind, '--sabotage', kind);
      expect(output).toMatch(reason);
      expect(code).toBe(1);
    },
    DEMO_TIMEOUT_MS,
  );
});
