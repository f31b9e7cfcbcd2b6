/** A backup is what the database was, is found out when it was changed, and restores as new data of its site. */
import { appendFileSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { requireWhole } from '../../cli/backup';
import { findBackup, hashFile } from '../../cli/backup/manifest';
import { databaseName } from '../../db/mariadb';
import { runEntrepot } from '../support/command';
import { engines } from '../support/databases';
import { MARIADB_URL } from '../support/servers';
import { until } from '../support/until';
import { World, itemsCsv } from '../support/world';
import { audit, loseDatabase, restore, takeBackup, topologyAt } from './backups';
import { NOWHERE } from './findings';

const UNITS = 400;

describe.each(engines())('a backup on %s', (engine) => {
  test('of a site that was stopped first is what it was, rights and all', async () => {
    const world = await World.start(engine, []);
    let remove = async () => undefined as void;
    try {
      await world.pushItems(itemsCsv({ A: '1.00' }), []);
      await world.stock([{ sku: 'A', quantity: UNITS }]);
      const levels = async () => (await world.call('hq', 'GET', '/inventory/levels')).body.items;
      const before = await levels();
      await world.stopSite('hq');
      const copy = await takeBackup(world, 'hq');
      remove = loseDatabase(world, 'hq');
      const { code, stdout } = await restore(world, copy.path, 'hq', '--keep-rights', '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ site: 'hq', stores: [{ store: world.store, withdrawn: 0 }] });
      await world.startSite('hq');
      await until('the new incarnation', async () => (await topologyAt(world, 'hq')).sites[0]?.incarnation === 2);
      expect(await levels()).toEqual(before);
      expect(await audit(world, ['hq'])).toEqual([]);
    } finally {
      await world.stop();
      await remove();
    }
  });

  test('that was changed or cut is found out, and not restored', async () => {
    const world = await World.create(engine, [], NOWHERE);
    await world.startSite('hq');
    await world.stopSite('hq');
    const { path, sha256 } = await takeBackup(world, 'hq');
    const verify = (file: string) => requireWhole(findBackup(file));
    const folder = join(world.folder, 'backups');
    const shown = await runEntrepot(['backup', 'verify', path], { cwd: world.folder });
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('is whole: site hq') });
    for (const file of [path, `${path}.json`]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      await verify(file);
    }
    expect(readdirSync(folder)).toHaveLength(2);
    const remove = loseDatabase(world, 'hq');
    const whole = readFileSync(path);
    appendFileSync(path, 'x');
    await expect(verify(path)).rejects.toThrow('it was cut or changed');
    writeFileSync(
      path,
      whole.map((byte, index) => (index === 1000 ? byte ^ 1 : byte)),
    );
    await expect(verify(path)).rejects.toThrow(`the manifest says ${sha256}`);
    expect(await restore(world, path, 'hq')).toMatchObject({ code: 1, stderr: expect.stringContaining('was changed') });
    // Even with a manifest that fits, half a copy is none.
    writeFileSync(path, whole.subarray(0, whole.length / 2));
    const manifest = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as object;
    const cut = { ...manifest, bytes: statSync(path).size, sha256: await hashFile(path) };
    writeFileSync(`${path}.json`, JSON.stringify(cut));
    await expect(verify(path)).rejects.toThrow("can't be restored");
    expect(() => findBackup(join(world.folder, 'hq.yaml'))).toThrow('is no backup: there is no manifest');
    await remove();
    await world.stop();
  });

  test('is not restored over data, under a running site, or as another site', async () => {
    const world = await World.create(engine, ['north'], NOWHERE);
    await world.startSite('hq');
    const { path } = await takeBackup(world, 'hq');
    expect(await restore(world, path, 'hq')).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/site hq runs at http.*: stop it first/) },
    });
    expect(await restore(world, path, 'north')).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/is of site "hq", .*north\.yaml is of site "north"/) },
    });
    await world.stopSite('hq');
    const over = await restore(world, path, 'hq');
    expect(over.code).toBe(1);
    expect(over.stderr).toMatch(
      engine === 'mariadb' ? /holds tables: keep it by another name/ : /would be overwritten: move/,
    );
    await world.stop();
  });
});

const withServer = engines().filter((engine) => engine === 'mariadb');

test.each(withServer)('a backup of %s names the package of the programs that it lacks', async (engine) => {
  const world = await World.create(engine, [], NOWHERE);
  await world.startSite('hq');
  const words = ['backup', world.configFile('hq'), '--to', 'backups'];
  const bare = await runEntrepot(words, { cwd: world.folder, env: { PATH: world.folder } });
  expect(bare).toMatchObject({ code: 1, stderr: expect.stringContaining('apt-get install mariadb-client') });
  expect(readdirSync(join(world.folder, 'backups'))).toEqual([]);
  await world.stop();
});

test.each(withServer)("a backup of %s needs the site's rights only, and takes any password", async (engine) => {
  const password = `p"a\\s's w#rd`;
  const world = await World.create(engine, [], NOWHERE);
  await world.startSite('hq');
  await world.stopSite('hq');
  const admin = await mysql.createConnection({ uri: process.env[MARIADB_URL] ?? '' });
  const user = `backup_${world.store}`;
  const asUser = async () => {
    const url = new URL(world.config('hq').database);
    url.username = user;
    url.password = encodeURIComponent(password);
    await admin.query(`GRANT ALL PRIVILEGES ON \`${databaseName(url.toString())}\`.* TO '${user}'@'%'`);
    world.configs.set('hq', { ...world.config('hq'), database: url.toString() });
  };
  let remove = async () => undefined as void;
  try {
    await admin.query(`CREATE USER '${user}'@'%' IDENTIFIED BY ?`, [password]);
    await asUser();
    const { path } = await takeBackup(world, 'hq');
    expect(readFileSync(`${path}.json`, 'utf8')).not.toContain('w#rd');
    remove = loseDatabase(world, 'hq');
    await asUser();
    expect(await restore(world, path, 'hq')).toMatchObject({ code: 0, stderr: expect.not.stringContaining('w#rd') });
  } finally {
    await admin.query(`DROP USER IF EXISTS '${user}'@'%'`);
    await admin.end();
    await world.stop();
    await remove();
  }
});
