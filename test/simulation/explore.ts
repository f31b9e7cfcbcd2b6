/**
 * `npm run simulation`: looks for something new. A seed of its own each time, or ENTREPOT_SEED; one episode with
 * ENTREPOT_EPISODE, else as many as ENTREPOT_SECONDS allow (60 unless told).
 */
import { campaign, describeCampaign, seedOfThisRun } from './campaign';
import { compile } from './compile';
import { run } from './run';

const SECONDS = Number(process.env['ENTREPOT_SECONDS'] ?? 60);
const SLACK_MS = 10 * 60_000;
const seed = process.env['ENTREPOT_SEED'] === undefined ? Date.now() % 2 ** 31 : seedOfThisRun();

test(
  `seed ${seed} breaks no invariant`,
  async () => {
    const compiled = await compile('explore');
    const episode = process.env['ENTREPOT_EPISODE'];
    if (episode !== undefined) {
      const { found } = await run(compiled, { seed, first: Number(episode), count: 1, seconds: Infinity });
      if (found) throw new Error(found.text);
      return;
    }
    const searched = await campaign(compiled, { seed, seconds: SECONDS, enough: () => false });
    process.stdout.write(`${describeCampaign(searched)}\n`);
    if (searched.found) throw new Error(searched.found.text);
  },
  SECONDS * 1000 + SLACK_MS,
);
