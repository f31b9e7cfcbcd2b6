/**
 * Requests made from the OpenAPI document against a running primary and secondary with data in them: no server error,
 * and no answer that the document does not declare. Wrong routes planted in the app show that the fuzzer would notice.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { createApp } from '../../api/app';
import { type Route, route } from '../../api/route';
import { allRoutes } from '../../api/routes';
import { noBody, noQuery, storeParams } from '../../api/schemas';
import { startServer } from '../../api/server';
import { type World } from '../support/world';
import { settingsFor, startFuzzedWorld } from './fuzzed-world';
import { type FuzzReport, type FuzzRun, fuzz, hasPython, installSchemathesis } from './schemathesis';

const RUN_TIMEOUT_MS = 10 * 60_000;
const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
/** Most cases of one operation and phase. */
const EXAMPLES = { hq: 20, north: 8 } as const;

/** Operations that were answered with a success; a secondary can't do what the primary alone does. */
function reached({ cases }: FuzzReport): string[] {
  const forms = allRoutes.map(({ method, path, operationId }) => {
    const form = new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`);
    return {
      operationId,
      matches: (at: FuzzReport['cases'][number]) => at.method === method.toUpperCase() && form.test(at.path),
    };
  });
  return forms
    .filter(({ matches }) => cases.some((entry) => entry.status < 300 && matches(entry)))
    .map(({ operationId }) => operationId);
}

/** A workflow's id holds slashes, which the fuzzer does not encode in these checks: it asks at another path. */
const SLASHED = {
  only: '^(getWorkflow|listWorkflowDocuments)$',
  unfit: ['unsupported_method', 'missing_required_header', 'allow_header_conformance'],
};

/** The fuzzer writes XML from schemas and can't send a document as it is; the tests of catalogue and stock do. */
const UNREACHABLE = ['getCatalogContent', 'borrowInventory', 'offerInventory', 'creditTransfer'];

type Choice = Pick<FuzzRun, 'only' | 'except' | 'unfit'>;

const PLANTED: readonly Route[] = [
  route({
    ...{ method: 'get', path: '/v1/stores/{store}/planted-error', tag: 'planted', operationId: 'plantedError' },
    ...{ summary: 'Breaks', roles: ['operator'], params: storeParams, query: noQuery, body: noBody, idempotent: false },
    responses: { 200: { description: 'Never.', schema: z.object({}) } },
    handle: () => Promise.reject(new Error('planted')),
  }),
  route({
    ...{ method: 'get', path: '/v1/stores/{store}/planted-answer', tag: 'planted', operationId: 'plantedAnswer' },
    ...{ summary: 'Lies', roles: ['operator'], params: storeParams, query: noQuery, body: noBody, idempotent: false },
    responses: { 200: { description: 'A count.', schema: z.object({ count: z.number().int() }) } },
    handle: () => Promise.resolve({ status: 200, body: { count: 'many' } }),
  }),
];

const suite = hasPython() ? describe : describe.skip;

suite('the API, fuzzed by its OpenAPI document', () => {
  let world: World;
  let command: string;
  let runs = 0;

  beforeAll(async () => {
    command = await installSchemathesis();
    world = await startFuzzedWorld();
  }, RUN_TIMEOUT_MS);
  afterAll(() => world.stop());

  const run = async (site: string, url: string, examples: number, choice: Choice) => {
    const folder = join(world.folder, `fuzz-${++runs}`);
    return fuzz(command, { url, folder, config: await settingsFor(world, site), seed: SEED, examples, ...choice });
  };

  test(
    'answers nothing but what it declares, at the primary and at a secondary',
    async () => {
      const [hq, north, slashed] = await Promise.all([
        run('hq', world.config('hq').url, EXAMPLES.hq, { except: SLASHED.only }),
        run('north', world.config('north').url, EXAMPLES.north, { except: SLASHED.only }),
        run('hq', world.config('hq').url, EXAMPLES.hq, SLASHED),
      ]);
      for (const [site, { cases }] of Object.entries({ hq, north, slashed })) {
        process.stderr.write(`fuzzed ${site}: ${cases.length} requests\n`);
      }
      for (const { failed, output } of [hq, north, slashed])
        expect({ failed, output: failed ? output : '' }).toEqual({ failed: false, output: '' });
      const all = allRoutes.map(({ operationId }) => operationId);
      const unreached = all.filter((id) => ![hq, north, slashed].flatMap(reached).includes(id));
      expect({ 'never reached with a success': unreached }).toEqual({ 'never reached with a success': UNREACHABLE });
      expect(reached(north).length).toBeGreaterThan(all.length / 2);
    },
    RUN_TIMEOUT_MS,
  );

  test(
    'a server error and an answer of another shape would be found',
    async () => {
      const { context } = world.site('hq');
      const server = await startServer(createApp(context, [...allRoutes, ...PLANTED]), { host: '127.0.0.1', port: 0 });
      const { failed, output } = await run('hq', server.url, 1, { only: '^planted' });
      await server.close();
      expect(failed).toBe(true);
      expect(output).toMatch(/Server error/);
      expect(output).toMatch(/planted-answer[\s\S]*violates schema/);
    },
    RUN_TIMEOUT_MS,
  );
});
