/** The doctor and the servers that sites stand on: databases, Temporal, and everybody's clocks. */
import { type Server, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import mysql from 'mysql2/promise';
import { examine } from '../../cli/doctor';
import { CLOCK_FAULT_MS, CLOCK_WARNING_MS } from '../../cli/doctor/clock';
import { indexProblem, missingRights } from '../../db/mariadb-server';
import { engines, freshLocation } from '../support/databases';
import { MARIADB_URL, TEMPORAL_ADDRESS } from '../support/servers';
import { until } from '../support/until';
import { World } from '../support/world';
import { NOWHERE, not, of } from './findings';

describe('clocks that are off', () => {
  let server: Server;
  let answerDate: Date;
  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.setHeader('date', answerDate.toUTCString());
      response.setHeader('content-type', 'application/json').end('{"status":"ok","site":"north"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const withNorthAt = (world: World) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return world.configFile('north', (config) => ({ ...config, url }));
  };

  test("a site's clock, by its Date header", async () => {
    const world = await World.create('sqlite', ['north'], NOWHERE);
    const clocks = async (aheadMs: number) => {
      answerDate = new Date(Date.now() + aheadMs);
      return of('clock', await examine([withNorthAt(world)], {}));
    };
    expect(await clocks(0)).toMatchObject([{ level: 'ok', about: 'site north' }]);
    expect(await clocks(3 * CLOCK_WARNING_MS)).toMatchObject([{ level: 'warning' }]);
    expect(await clocks(-10 * 60_000)).toMatchObject([
      {
        ...{ level: 'fault', message: expect.stringMatching(/^(600|599)\.\d s behind this machine's clock$/) },
        remedy: expect.stringContaining('NTP'),
      },
    ]);
    await world.stop();
  });

  const withServer = engines().filter((engine) => engine === 'mariadb');
  test.each(withServer)("this machine's own clock, by a server of %s", async (engine) => {
    const world = await World.create(engine, [], NOWHERE);
    const clock = { now: () => Date.now() + 2 * CLOCK_FAULT_MS };
    const [ok] = of('clock', await examine([world.configFile('hq')], {}));
    expect(ok).toMatchObject({ level: 'ok', about: 'the database server of site hq' });
    const [off] = of('clock', await examine([world.configFile('hq')], {}, clock));
    expect(off).toMatchObject({ level: 'fault', message: expect.stringContaining("behind this machine's clock") });
    await world.stop();
  });
});

const address = process.env[TEMPORAL_ADDRESS];

(address === undefined ? describe.skip : describe)('a Temporal server that is there', () => {
  const { INDEXED_VALUE_TYPE_INT, INDEXED_VALUE_TYPE_KEYWORD } = temporal.api.enums.v1.IndexedValueType;
  const look = async (world: World, namespace: string) => {
    const file = world.configFile('hq', (config) => ({ ...config, temporal: { ...config.temporal, namespace } }));
    return of('Temporal', await examine([file], {}));
  };

  test('without the namespace, or with a search attribute of a wrong type', async () => {
    const world = await World.create('sqlite', []);
    const connection = await Connection.connect({ address: address ?? '' });
    const namespace = `doctor-${world.store}`;
    expect(await look(world, namespace)).toMatchObject([
      {
        ...{ level: 'fault', message: `there is no namespace "${namespace}"` },
        remedy: expect.stringContaining(`temporal operator namespace create --namespace ${namespace}`),
      },
    ]);
    const workflowExecutionRetentionPeriod = { seconds: 86_400 } as never;
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
    await until('the namespace', async () => {
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: { EntrepotSite: INDEXED_VALUE_TYPE_INT, EntrepotStore: INDEXED_VALUE_TYPE_KEYWORD },
      });
      return true;
    });
    expect(
      await until('the attributes', async () => {
        const findings = await look(world, namespace);
        return findings.length === 3 && findings;
      }),
    ).toMatchObject([
      { level: 'ok' },
      {
        ...{
          level: 'fault',
          message: expect.stringMatching(/EntrepotSite is INDEXED_VALUE_TYPE_INT, Keyword is needed/),
        },
        remedy: expect.stringContaining('temporal operator search-attribute remove --name EntrepotSite'),
      },
      { level: 'warning', message: 'search attributes are missing: EntrepotState, EntrepotDocument' },
    ]);
    await connection.close();
    await world.stop();
  });
});

describe('rights on a database server', () => {
  const withServer = engines().filter((engine) => engine === 'mariadb');

  test.each(withServer)('that %s does not give, by name, and how to give them', async (engine) => {
    const world = await World.create(engine, [], NOWHERE);
    const admin = await mysql.createConnection({ uri: process.env[MARIADB_URL] ?? '' });
    const { database } = world.config('hq');
    const name = new URL(database).pathname.slice(1);
    const user = `doctor_${world.store}`;
    const look = async (password: string, location = database) => {
      const url = new URL(location);
      url.username = user;
      url.password = password;
      const file = world.configFile('hq', (config) => ({ ...config, database: url.toString() }));
      const findings = await examine([file], {});
      expect(JSON.stringify(findings)).not.toContain('s3cret');
      return [...of('rights', findings), ...of('database', findings)];
    };
    try {
      await admin.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 's3cret'`);
      expect(await look('s3cret')).toMatchObject([
        {
          ...{ level: 'fault', message: expect.stringMatching(/refuses the user of .*Access denied/) },
          remedy: expect.stringContaining(`GRANT ALL PRIVILEGES ON \`${name}\`.* TO '${user}'@'%'`),
        },
      ]);
      await admin.query(`GRANT SELECT, INSERT, UPDATE ON \`${name.replaceAll('_', '\\_')}\`.* TO '${user}'@'%'`);
      expect(await look('s3cret')).toMatchObject([
        {
          ...{ level: 'fault', message: expect.stringContaining('lacks DELETE, CREATE, ALTER, INDEX, DROP on') },
          remedy: expect.stringContaining(`GRANT DELETE, CREATE, ALTER, INDEX, DROP ON \`${name}\`.*`),
        },
        { level: 'ok' },
        { level: 'warning', message: expect.stringContaining('is not in the database yet') },
      ]);
      expect(await look('wrong')).toMatchObject([
        { level: 'fault', message: expect.stringContaining('refuses the user') },
      ]);
      await admin.query(`GRANT ALL PRIVILEGES ON *.* TO '${user}'@'%'`);
      expect(not('ok', of('rights', await look('s3cret')))).toEqual([]);
      const { location } = freshLocation(engine);
      expect(await look('s3cret', location)).toMatchObject([
        { level: 'warning', message: expect.stringMatching(/there is no database entrepot_\w+ yet/) },
      ]);
      const away = new URL(database);
      away.port = '1';
      expect(await look('s3cret', away.toString())).toMatchObject([
        { level: 'fault', message: expect.stringMatching(/can't be reached: .*connect E/) },
      ]);
    } finally {
      await admin.query(`DROP USER IF EXISTS '${user}'@'%'`);
      await admin.end();
      await world.stop();
    }
  });

  test.each([
    [3, 84, null],
    [5, 80, null],
    [6, 84, 'words of 6 to 84 characters only'],
    [3, 79, 'those of 5 to 80 are needed'],
  ])('a server that indexes words of %i to %i characters: %j', (shortest, longest, problem) => {
    const found = indexProblem({ shortest, longest });
    expect(found).toEqual(problem === null ? null : expect.stringContaining(problem));
  });

  test.each([
    [['GRANT USAGE ON *.* TO `u`@`%`', 'GRANT ALL PRIVILEGES ON `shop\\_hq`.* TO `u`@`%`'], []],
    [['GRANT ALL PRIVILEGES ON `shop_%`.* TO `u`@`%`'], []],
    [['GRANT ALL PRIVILEGES ON `shopXhq`.* TO `u`@`%`'], 'all'],
    [['GRANT SELECT ON `shop_hq`.`topology` TO `u`@`%`'], 'all'],
    [['GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX ON *.* TO `u`@`%`'], ['ALTER']],
  ])('%j leave %j', (grants, expected) => {
    const all = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'ALTER', 'INDEX', 'DROP'];
    expect(missingRights(grants, 'shop_hq')).toEqual(expected === 'all' ? all : expected);
  });
});
