/** The doctor: each fault is brought about really, and named with what to do. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { examine } from '../../cli/doctor';
import { openDatabase } from '../../db/migrate';
import { type SiteConfig } from '../../workers/config';
import { runEntrepot } from '../support/command';
import { World } from '../support/world';
import { NOWHERE, not, of } from './findings';

/** Who a process of root becomes to have no rights. */
const NOBODY_UID = 65_534;

describe('a system that is well', () => {
  test('has neither fault nor warning, and the command ends with 0', async () => {
    const world = await World.start('sqlite', ['north']);
    try {
      const files = ['hq', 'north'].map((site) => world.configFile(site));
      const findings = await examine(files, {});
      expect(not('ok', findings)).toEqual([]);
      expect(new Set(findings.map(({ check }) => check)).size).toBe(11);
      expect(of('epoch', findings).map(({ message }) => message)).toEqual([
        expect.stringContaining('epoch 1, topology version'),
        expect.stringContaining('epoch 1, topology version'),
      ]);
      const { code, stdout, stderr } = await runEntrepot(['doctor', ...files], { cwd: world.folder });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^ok +port +hq +port \d+ of 127\.0\.0\.1 is held by this site$/m);
      expect(stdout).toContain('0 faults, 0 warnings');
    } finally {
      await world.stop();
    }
  });
});

describe('what is wrong', () => {
  let world: World;
  beforeEach(async () => {
    world = await World.create('sqlite', ['north'], NOWHERE);
  });
  afterEach(() => world.stop());

  const both = (change?: (config: SiteConfig) => SiteConfig) => [
    world.configFile('hq', change),
    world.configFile('north'),
  ];

  test('a file that is wrong', async () => {
    const file = join(world.folder, 'wrong.yaml');
    writeFileSync(file, 'site: north\ncolour: red\n');
    const findings = of('configuration', await examine([file], {}));
    expect(findings).toContainEqual({
      ...{ check: 'configuration', about: file, level: 'fault', remedy: `mend ${file}` },
      message: expect.stringContaining('unknown key colour; allowed: site, listen'),
    });
    const { code, stderr } = await runEntrepot(['doctor', file], { cwd: world.folder });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/faults found/) });
  });

  test('a port that another process holds, and which', async () => {
    const holder = createServer((socket) => socket.destroy());
    const { port } = world.config('hq').listen;
    await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
    try {
      const [hq, north] = of('port', await examine(both(), {}));
      expect(hq).toMatchObject({
        level: 'fault',
        message: expect.stringMatching(`^port ${port} of 127.0.0.1 is taken by process ${process.pid} \\(\\S+`),
        remedy: expect.stringMatching(`^stop process ${process.pid} .* or set listen.port of hq`),
      });
      expect(north).toMatchObject({ level: 'ok', message: expect.stringContaining('is free') });
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
  });

  test('a port that another site holds, and a URL at which another site answers', async () => {
    await world.startSite('hq');
    const { listen, url } = world.config('hq');
    const file = world.configFile('north', (config) => ({ ...config, listen, url }));
    const findings = await examine([file], {});
    expect(of('port', findings)[0]?.message).toContain('is taken by site "hq", process');
    expect(of('site', findings)).toContainEqual(
      expect.objectContaining({ level: 'fault', message: `site "hq" answers at ${url}` }),
    );
  });

  test('an address that is not of this machine', async () => {
    const file = world.configFile('hq', (config) => ({ ...config, listen: { ...config.listen, host: '192.0.2.1' } }));
    expect(of('port', await examine([file], {}))[0]).toMatchObject({
      ...{ level: 'fault', message: "192.0.2.1 can't be listened on (EADDRNOTAVAIL)" },
      remedy: 'set listen.host to an address of this machine',
    });
  });

  test('sites that do not answer, and Temporal where nothing listens', async () => {
    const findings = await examine(both(), {});
    expect(of('site', findings)).toMatchObject(
      ['hq', 'north'].map((site) => ({
        ...{ level: 'fault', about: site },
        message: expect.stringMatching(`nothing answers at ${world.config(site).url} \\(connect E`),
        remedy: expect.stringContaining(`start site ${site}`),
      })),
    );
    expect(of('Temporal', findings)).toMatchObject([
      {
        ...{
          level: 'fault',
          about: NOWHERE.temporalAddress,
          message: expect.stringMatching(/^it does not answer: .*127\.0\.0\.1:1/),
        },
        remedy: expect.stringContaining('start it'),
      },
    ]);
  });

  test('sealing keys that differ, or that one site lacks, and none of them is shown', async () => {
    const withKeys = (current: string, keys: Record<string, Buffer>) => (config: SiteConfig) => {
      const store = config.stores[world.store] as SiteConfig['stores'][string];
      const text = Object.fromEntries(Object.entries(keys).map(([id, key]) => [id, key.toString('base64')]));
      return { ...config, stores: { [world.store]: { ...store, sealing: { current, keys: text } } } };
    };
    const other = withKeys('test', { test: Buffer.alloc(32, 9), next: Buffer.alloc(32, 8) });
    const findings = of('sealing keys', await examine(both(other), {}));
    expect(findings).toMatchObject([
      { level: 'fault', message: expect.stringMatching(/the sealing key "test" of \S+hq\.yaml is another one in/) },
      { level: 'warning', message: expect.stringMatching(/north\.yaml lacks the sealing key "next"/) },
    ]);
    const ahead = withKeys('next', { test: Buffer.alloc(32, 7), next: Buffer.alloc(32, 8) });
    expect(of('sealing keys', await examine(both(ahead), {}))).toMatchObject([
      {
        level: 'fault',
        message: expect.stringMatching(/hq\.yaml seals with the key "next", which \S+north\.yaml lacks/),
      },
    ]);
    for (const byte of [7, 8, 9]) {
      expect(JSON.stringify(findings)).not.toContain(Buffer.alloc(32, byte).toString('base64').slice(0, 20));
    }
  });

  test('migrations that have not run, and those of a later release', async () => {
    const db = openDatabase(world.config('hq').database);
    const migrations = async () => of('migrations', await examine([world.configFile('hq')], {}));
    expect(await migrations()).toMatchObject([{ level: 'ok' }]);
    await db.run("INSERT INTO entrepot_migrations (name, batch) VALUES ('9999-from-the-future', 2)");
    expect(await migrations()).toMatchObject([
      { level: 'fault', message: expect.stringContaining('later release (9999-from-the-future)') },
    ]);
    await db.run('DELETE FROM entrepot_migrations');
    expect(await migrations()).toMatchObject([
      {
        ...{ level: 'fault', message: expect.stringContaining('0001-first-schema') },
        remedy: expect.stringContaining('entrepot migrate'),
      },
    ]);
    await db.close();
  });

  test('an epoch or a topology that is behind that of the other sites', async () => {
    for (const site of ['hq', 'north']) {
      await world.startSite(site);
      const { db } = world.site(site).context;
      await db.run('UPDATE topology SET epoch = ?, version = 7', [site === 'hq' ? 4 : 3]);
    }
    const epochs = async () => of('epoch', await examine(both(), {}));
    expect(await epochs()).toMatchObject([
      { level: 'warning', message: expect.stringContaining('the sites were compared with each other') },
      { level: 'ok', about: 'hq' },
      {
        ...{ level: 'fault', about: 'north' },
        message: `store ${world.store} is in epoch 3 here, another site is at 4 (primary hq)`,
        remedy: expect.stringContaining('start site north where it reaches Temporal'),
      },
    ]);
    await world.site('north').context.db.run('UPDATE topology SET epoch = 4, version = 6');
    expect((await epochs()).at(-1)).toMatchObject({ level: 'warning', message: expect.stringContaining('version 6') });
  });

  test('a disk with less room than is needed', async () => {
    const all = Number.MAX_SAFE_INTEGER;
    const disk = async (limits: { warningBytes: number; faultBytes: number }) =>
      of('disk', await examine([world.configFile('hq')], {}, undefined, limits))[0];
    expect(await disk({ warningBytes: all, faultBytes: all })).toMatchObject({
      ...{ level: 'fault', message: expect.stringMatching(/^[\d,]+ MiB are free at /) },
      remedy: expect.stringContaining('make room'),
    });
    expect(await disk({ warningBytes: all, faultBytes: 0 })).toMatchObject({ level: 'warning' });
    expect(await disk({ warningBytes: 0, faultBytes: 0 })).toMatchObject({ level: 'ok' });
  });

  const root = process.getuid?.() === 0;
  (root ? test : test.skip)('a database that this user may not write', async () => {
    const file = world.configFile('hq');
    chmodSync(world.folder, 0o755);
    const here = process.geteuid?.() ?? 0;
    process.seteuid?.(NOBODY_UID);
    try {
      expect(of('rights', await examine([file], {}))).toMatchObject([
        {
          ...{ level: 'fault', message: expect.stringMatching(/can't write .*: EACCES/) },
          remedy: expect.stringContaining('chown'),
        },
      ]);
    } finally {
      process.seteuid?.(here);
    }
  });

  test('a file that is no database, one of another site, and one that is not there yet', async () => {
    const database = join(world.folder, 'no.sqlite');
    const file = world.configFile('hq', (config) => ({ ...config, database }));
    const look = async () => of('database', await examine([file], {}));
    expect(await look()).toMatchObject([{ level: 'warning', message: expect.stringContaining('not there yet') }]);
    writeFileSync(database, 'text '.repeat(1000));
    expect(await look()).toContainEqual(
      expect.objectContaining({ level: 'fault', message: expect.stringMatching(/can't be read: .*not a database/) }),
    );
    await world.startSite('north');
    const swapped = world.configFile('hq', (config) => ({ ...config, database: world.config('north').database }));
    expect(of('database', await examine([swapped], {}))).toContainEqual(
      expect.objectContaining({ level: 'fault', message: expect.stringContaining('is that of site "north"') }),
    );
  });

  test('a folder that is not there yet is made at the first start', async () => {
    const database = join(world.folder, 'later', 'site.sqlite');
    const file = world.configFile('hq', (config) => ({ ...config, database, documentsDir: join(database, 'x') }));
    const findings = await examine([file], {});
    expect(of('database', findings)).toMatchObject([{ level: 'warning', message: expect.stringContaining('later') }]);
    expect(of('disk', findings)).toHaveLength(1);
    mkdirSync(join(world.folder, 'later'));
    expect(of('database', await examine([file], {}))).toMatchObject([{ level: 'warning' }]);
    rmSync(join(world.folder, 'later'), { recursive: true });
  });
});
