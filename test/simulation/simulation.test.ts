/** The simulation, for some seconds: the whole of it is in simulation.long.ts. */
import { seedOfThisRun } from './campaign';
import { type Compiled, StalePatchError, compile } from './compile';
import { PLANTED_BUGS } from './planted';
import { run } from './run';

const seed = seedOfThisRun();
const EPISODES = 2;

let plain: Compiled;
beforeAll(async () => {
  plain = await compile('everyday');
});

test('some thousand steps break no invariant, and the same seed gives the same steps', async () => {
  const request = { seed, first: 0, count: EPISODES, seconds: Infinity };
  const [once, again] = await Promise.all([run(plain, request), run(plain, request)]);
  expect(once.found?.text ?? 'nothing').toBe('nothing');
  expect(once.episodes).toBe(EPISODES);
  expect(once.hashes).toEqual(again.hashes);
  expect(new Set(once.hashes).size).toBe(EPISODES);
  const other = await run(plain, { ...request, seed: seed + 1, count: 1 });
  expect(other.hashes[0]).not.toBe(once.hashes[0]);
});

test('a planted bug is found, and told with what happened to the item', async () => {
  const bug = PLANTED_BUGS.find(({ name }) => name === 'one site sells a cart twice');
  if (!bug) throw new Error('the planted bug is gone: name another');
  const { found } = await run(await compile('everyday-bug', bug.patches), {
    seed,
    first: 0,
    count: 5,
    seconds: Infinity,
  });
  expect(bug.breaks).toContain(found?.invariant);
  expect(found?.text).toMatch(
    new RegExp(`^seed ${seed}, episode ${found?.episode}, step ${found?.step}: invariant 4: `),
  );
  expect(found?.text).toMatch(/step +\d+ +[\d.]+ s +\w+ +sale sale:/);
  expect(found?.text).toContain(`ENTREPOT_SEED=${seed} ENTREPOT_EPISODE=${found?.episode} npm run simulation`);
});

test('every planted bug still fits the source, and one that does not is refused', async () => {
  await expect(compile('everyday-stale', [{ file: 'db/inbox.ts', find: 'no such text', replace: '' }])).rejects.toThrow(
    StalePatchError,
  );
  for (const { name, patches } of PLANTED_BUGS) {
    expect({ name, count: patches.length }).not.toEqual({ name, count: 0 });
    await expect(
      compile('everyday-stale', [...patches, { file: 'no/such.ts', find: '', replace: '' }]),
    ).rejects.toThrow('no/such.ts does not apply (there is no such file)');
  }
});
