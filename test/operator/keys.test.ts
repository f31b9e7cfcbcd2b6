/** API keys are made, rotated, revoked and listed, by API and by command; a secret is told once and kept nowhere. */
import { readFileSync } from 'node:fs';
import { parseKey } from '../../db/api-keys';
import { Shop, STORE } from '../orders/shop';
import { runEntrepot } from '../support/command';
import { engines } from '../support/databases';
import { until } from '../support/until';
import { World } from '../support/world';

const HOUR_MS = 3_600_000;
const NEVER = '00000000';

const secretOf = (key: string) => parseKey(key)?.secret ?? key;

describe.each(engines())('keys on %s', (engine) => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open(engine, 'hq');
  });
  afterAll(() => shop.drop());

  const operator = async (method: 'get' | 'post' | 'delete', path: string, body?: object) => {
    const answer = await shop.call(method, `/keys${path}`, { role: 'operator', ...(body ? { body } : {}) });
    return { status: answer.status, body: answer.body as Record<string, unknown> };
  };
  const make = async (more: object = {}) => {
    const { status, body } = await operator('post', '', { role: 'integrator', label: 'the till', ...more });
    expect(status).toBe(201);
    return { id: String(body['keyId']), key: String(body['key']), body };
  };
  const worksWith = async (key: string) =>
    (await shop.call('get', '/items', { headers: { Authorization: `Bearer ${key}` } })).status === 200;

  test('a rotated key has a successor of the same kind, and ends with the overlap', async () => {
    const old = await make({ site: 'hq' });
    const { status, body } = await operator('post', `/${old.id}/rotations`, { overlapSeconds: 3600 });
    expect(status).toBe(201);
    expect(body).toMatchObject({ role: 'integrator', site: 'hq', label: 'the till', expiresAt: null, revokedAt: null });
    expect(body['keyId']).not.toBe(old.id);
    const ends = new Date(shop.context.runtime.clock.now() + HOUR_MS).getTime();
    const replaces = body['replaces'] as { keyId: string; expiresAt: string };
    expect(replaces.keyId).toBe(old.id);
    expect(Math.abs(Date.parse(replaces.expiresAt) - ends)).toBeLessThan(60_000);
    const fresh = String(body['key']);
    expect([await worksWith(old.key), await worksWith(fresh)]).toEqual([true, true]);
    shop.dials.ahead += HOUR_MS + 1;
    expect([await worksWith(old.key), await worksWith(fresh)]).toEqual([false, true]);
    expect((await operator('post', `/${old.id}/rotations`)).status).toBe(409);
  });

  test('a rotation without a body leaves a day, never more than the old key had, and lets the new one end with it', async () => {
    const now = shop.context.runtime.clock.now();
    const soon = new Date(now + HOUR_MS).toISOString();
    const [short, long] = [await make({ expiresAt: soon }), await make()];
    const shortened = (await operator('post', `/${short.id}/rotations`)).body;
    expect(shortened).toMatchObject({ expiresAt: soon, replaces: { expiresAt: soon } });
    const { replaces } = (await operator('post', `/${long.id}/rotations`)).body as { replaces: { expiresAt: string } };
    expect(Math.round((Date.parse(replaces.expiresAt) - now) / HOUR_MS)).toBe(24);
    const kept = await make({ expiresAt: soon });
    expect((await operator('post', `/${kept.id}/rotations`, { expiresAt: null })).body['expiresAt']).toBeNull();
  });

  test('what is revoked, unknown or asked for wrongly is refused, and nothing is made', async () => {
    const { id } = await make();
    expect((await operator('delete', `/${id}`)).status).toBe(204);
    const count = () => shop.count('api_keys');
    const before = await count();
    expect((await operator('post', `/${id}/rotations`)).status).toBe(409);
    expect((await operator('post', `/${NEVER}/rotations`)).status).toBe(404);
    expect((await operator('post', `/${id}/rotations`, { overlapSeconds: -1 })).status).toBe(400);
    expect((await operator('post', `/${id}/rotations`, { overlapSeconds: 31 * 24 * 3600 })).status).toBe(400);
    expect(await count()).toBe(before);
  });

  test('no secret is listed or stored', async () => {
    const { key } = await make();
    const listed = JSON.stringify((await operator('get', '')).body);
    const stored = JSON.stringify(await shop.db.all('SELECT * FROM api_keys WHERE store = ?', [STORE]));
    expect(listed).toContain(parseKey(key)?.keyId);
    for (const text of [listed, stored]) expect(text).not.toContain(secretOf(key));
  });
});

describe('entrepot keys', () => {
  test('makes, lists, rotates and revokes; a key is alone on stdout, and in no log', async () => {
    const world = await World.create('sqlite', [], { temporalAddress: '127.0.0.1:1' });
    const config = world.config('hq');
    world.configs.set('hq', { ...config, log: { ...config.log, level: 'trace' } });
    await world.startSite('hq');
    const keys = (...words: string[]) =>
      runEntrepot(['keys', ...words, '--url', config.url, '--key', world.key, '--store', world.store], {
        cwd: world.folder,
      });
    const works = async (key: string) =>
      (await world.call('hq', 'GET', '/items', { headers: { Authorization: `Bearer ${key}` } })).status === 200;
    try {
      const made = await keys('create', '--role', 'buyer', '--label', 'web shop', '--lifetime', '90d');
      expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ek_\w{12}_\S{43}\n$/) });
      expect(made.stderr).toMatch(/buyer, "web shop", for every site, until \d{4}-/);
      const key = made.stdout.trim();
      expect(await works(key)).toBe(true);
      const id = parseKey(key)?.keyId ?? '';
      const rotated = await keys('rotate', id, '--overlap', '0s', '--json');
      const successor = JSON.parse(rotated.stdout) as { key: string; keyId: string; replaces: { keyId: string } };
      expect(successor.replaces.keyId).toBe(id);
      expect(await works(successor.key)).toBe(true);
      await until('the old key to end', async () => !(await works(key)));
      const revoked = await keys('revoke', successor.keyId);
      expect(revoked).toMatchObject({ code: 0, stdout: expect.stringContaining('is revoked') });
      await until('the new key to end', async () => !(await works(successor.key)));
      const { stdout } = await keys('list');
      expect(stdout).toMatch(new RegExp(`^${id} +buyer +every +web shop .* expired$`, 'm'));
      expect(stdout).toMatch(new RegExp(`^${successor.keyId} +buyer +every +web shop .* revoked \\d{4}-`, 'm'));
      const log = readFileSync(config.log.file ?? '', 'utf8');
      expect(log).toContain('/rotations');
      for (const text of [key, successor.key, world.key]) expect(log + stdout).not.toContain(secretOf(text));
      const unknown = await keys('rotate', NEVER);
      expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining(`no key "${NEVER}"`) });
    } finally {
      await world.stop();
    }
  });

  test.each([
    [['create', '--role', 'king', '--label', 'x'], 'allowed: buyer, integrator, operator, partner'],
    [['create', '--role', 'buyer'], "required option '--label <text>'"],
    [['rotate', NEVER, '--overlap', '3 days'], 'give a number and a unit: 90d, 24h, 30m or 45s'],
  ])('%j is refused with what is allowed', async (words, expected) => {
    const { code, stderr } = await runEntrepot(['keys', ...words], { cwd: '/' });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(expected) });
  });
});
