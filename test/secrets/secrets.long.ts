/**
 * Secrets and personal data stay in: a system is made to work, to fail and to complain, then every place is searched
 * that something could have got out to. In each of them lies a bait that the search must find.
 */
import { type ChildProcess } from 'node:child_process';
import { engines } from '../support/databases';
import { Acts } from './acts';
import { bait, isBait, plantBait } from './bait';
import { type Places, commandLines, databaseOf, filesOf, historiesOf, pagesOf } from './places';
import { Scene } from './scene';
import { Searcher } from './searcher';

const SCENE_TIMEOUT_MS = 5 * 60_000;
const ARGUMENTS = [bait.argument, bait.encoded, bait.compressed];

describe.each(engines())('secrets and personal data on %s', (engine) => {
  let scene: Scene;
  let acts: Acts;
  let searcher: Searcher;
  let baited: ChildProcess | undefined;

  beforeAll(async () => {
    scene = await Scene.start(engine);
    acts = new Acts(scene);
    await acts.openShop();
    await acts.settled('north', await acts.buy('north', 'a usual buyer'), 'confirmed');
    await acts.hold();
    await acts.parkSpoiltOrders();
    await acts.breakReceiving();
    await acts.breakAnActivity();
    await acts.refuseRequests();
    await acts.breakTheDatabase();
    await acts.runCommands();
    baited = await plantBait(scene);
    searcher = new Searcher(scene.canaries.all());
  }, SCENE_TIMEOUT_MS);

  afterAll(async () => {
    baited?.kill();
    await scene.stop();
  });

  /** Nothing got out, and the places are what they seem: the baits are found there. */
  function expectOnly(baits: readonly string[], places: Places): void {
    const found = [...places].flatMap(([place, contents]) =>
      contents.flatMap((content) =>
        searcher.search(content).map(({ canary, form }) => ({ canary, what: `${canary}, ${form}, in ${place}` })),
      ),
    );
    const got = (wanted: boolean) => found.filter(({ canary }) => isBait(canary) === wanted);
    expect([...new Set(got(false).map(({ what }) => what))]).toEqual([]);
    expect(new Set(got(true).map(({ canary }) => canary))).toEqual(new Set(baits));
  }

  test('are not in the logs at level trace, nor in what the processes print', () => {
    const files = filesOf(scene.world.folder, /\.(log|out)$/);
    expect([...files.keys()].sort()).toEqual(['hq.log', 'hq.out', 'north.log', 'north.out', 'south.log', 'south.out']);
    // What happened is told all the same.
    for (const said of ['request failed', 'an order was parked', 'activity failed', '"level":20']) {
      expect([...files.values()].flat().some((content) => content.includes(said))).toBe(true);
    }
    expectOnly([bait.log], files);
  });

  test("are not in Temporal's database, its write-ahead log or its own log", async () => {
    const { folder } = scene.temporal;
    const files = databaseOf(folder);
    expectOnly(ARGUMENTS, files);
    expectOnly(ARGUMENTS, new Map([...files].filter(([name]) => name.endsWith('-wal'))));
    expectOnly([], filesOf(folder, /\.log$/));
    expect(filesOf(folder, /\.log$/).size).toBe(1);
  });

  test('are not in the history, the description or any payload of any workflow', async () => {
    const { workflows, payloads, contents } = await historiesOf(scene.temporal.address);
    expect(workflows).toBeGreaterThan(10);
    expect(payloads).toBeGreaterThan(100);
    expectOnly(ARGUMENTS, new Map([['histories', contents]]));
    // The failures that were provoked did reach Temporal.
    const told = contents.map((content) => content.toString('latin1')).join('\n');
    for (const said of ['DatabaseError', 'Country/@isoCountryCode must be', 'not well-formed XML']) {
      expect(told).toContain(said);
    }
  });

  test('are not in what a broken request is answered', () => {
    expect(acts.problems.length).toBeGreaterThan(10);
    expectOnly([], new Map([['answers', acts.problems]]));
  });

  test('are not in what a site shows to anyone, and to those who watch it', async () => {
    const { store, key } = scene.world;
    for (const site of ['hq', 'north']) {
      const pages = await pagesOf({ url: scene.world.config(site).url, store, key });
      expect([...pages.keys()]).toEqual(expect.arrayContaining(['/openapi.json', '/healthz', '/readyz']));
      expectOnly([], pages);
    }
  });

  test('are not in what commands print', () => {
    expect(acts.printed.join('\n')).toContain('audit');
    expectOnly([], new Map([['commands', acts.printed]]));
  });

  test('are not in the list of processes', () => {
    const lines = commandLines();
    if (process.platform === 'linux') expect(lines.join('\n')).toContain('north.yaml');
    expectOnly(lines.length > 0 ? [bait.process] : [], new Map([['processes', lines]]));
  });
});
