/** The built command as a user runs it: help, usage errors and exit codes. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTrial } from '../../cli/trial/data-directory';
import { newKey } from '../../cli/trial/keys';
import { runEntrepot } from '../support/command';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const entrepot = (...words: string[]) => runEntrepot(words, { cwd: folder });

describe('help', () => {
  it('names every command and every exit code', async () => {
    const { code, stdout } = await entrepot('--help');
    expect(code).toBe(0);
    for (const command of [
      ...['start', 'site', 'migrate', 'catalog', 'inventory', 'orders', 'deliveries', 'audit', 'temporal', 'demo'],
      ...['config', 'status', 'doctor', 'keys', 'held', 'backup', 'restore'],
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
    for (const exit of [0, 1, 2, 3]) expect(stdout).toMatch(new RegExp(`^  ${exit}  `, 'm'));
  });

  it.each([['catalog'], ['inventory'], ['orders'], ['start'], ['demo']])('explains %s', async (command) => {
    const { code, stdout } = await entrepot(command, '--help');
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: entrepot ${command}`);
  });
});

describe('a wrong command line ends with 2 and says why', () => {
  const wrong: [string[], string][] = [
    [['strat'], "unknown command 'strat'"],
    [['start', '--prot-base', '1'], "unknown option '--prot-base'"],
    [['start', '--port-base', 'many'], 'give a whole number from 1024 to 65000'],
    [['start', '--sites', '99'], 'give a whole number from 1 to 9'],
    [['site'], "required option '--config <file>'"],
    [['demo', '--sabotage', 'nothing'], 'allowed: lost-order, oversell, stale-catalogue'],
    [['inventory', 'receive', '10002', '0'], 'give a whole number from 1'],
    [['inventory', 'allocate', '--share', 'north'], 'give a site and its part, such as north=2'],
    [['inventory', 'allocate', '--by', 'luck'], 'allowed: equal, traffic, shares, value'],
    [['catalog', 'import', 'none.csv'], 'none.csv does not exist'],
    [['catalog', 'status'], 'there is no trial system in var/trial: start one with "entrepot start"'],
    [['orders', 'list', '--url', 'nonsense'], '"nonsense" is no URL'],
    [['orders', 'list', '--url', 'http://127.0.0.1:1'], 'which store? name it with --store or ENTREPOT_STORE'],
    [['audit'], 'there is no trial system in var/trial'],
    [['doctor'], 'there is no trial system in var/trial'],
    [['status'], 'there is no trial system in var/trial: start one with "entrepot start"'],
    [['migrate', 'none.yaml'], "none.yaml can't be used"],
    [['demo-check', '--log', 'x', '--data', 'nowhere'], 'nowhere holds no trial system'],
  ];

  it.each(wrong)('%j', async (words, expected) => {
    const { code, stderr } = await entrepot(...words);
    expect(stderr).toContain(expected);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(2);
  });

  it('shows a stack when it is asked to', async () => {
    const { stderr } = await entrepot('audit', '--verbose');
    expect(stderr).toMatch(/^\s+at /m);
  });
});

describe('what can not be reached ends with 3 and says what', () => {
  it('a site', async () => {
    const { code, stderr } = await entrepot('orders', 'list', '--url', 'http://127.0.0.1:1', '--store', 'shop');
    expect(stderr).toContain('no answer from http://127.0.0.1:1');
    expect(stderr).toContain('entrepot start');
    expect(code).toBe(3);
  });

  it('a database', async () => {
    const data = join(folder, 'unstarted');
    openTrial({ data, db: 'mysql://nobody:secret@127.0.0.1:1/entrepot' }, 4700, newKey);
    const { code, stderr } = await entrepot('migrate', '--data', data);
    expect(stderr).toContain('the database of site hq, mysql://nobody:(secret)@127.0.0.1:1/entrepot_hq');
    expect(stderr).not.toContain(':secret@');
    expect(code).toBe(3);
  });

  it('a database that was never made', async () => {
    const data = join(folder, 'never');
    openTrial({ data }, 4700, newKey);
    const { code, stderr } = await entrepot('audit', '--data', data);
    expect(stderr).toContain('the database of site hq');
    expect(code).toBe(3);
  });
});

describe('a site that refuses ends with 1', () => {
  let server: Server;
  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.writeHead(403, { 'content-type': 'application/problem+json' });
      response.end(
        JSON.stringify({ type: 'https://entrepot.dev/problems/forbidden', title: 'Forbidden', detail: 'no' }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('with its reason and the way to another key', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stderr } = await entrepot('orders', 'list', '--url', url, '--store', 'shop');
    expect(stderr).toContain(`${url} answered 403: Forbidden: no (--key or ENTREPOT_API_KEY names the key to use)`);
    expect(code).toBe(1);
  });
});

describe('config check', () => {
  it('takes the files that start writes, and shows no secrets', async () => {
    const data = join(folder, 'made');
    const trial = openTrial({ data }, 4700, newKey);
    const file = trial.sites[0]?.config ?? '';
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const plain = await entrepot('config', 'check', file);
    expect(plain).toMatchObject({ code: 0, stderr: '' });
    expect(plain.stdout).toContain('site hq at http://127.0.0.1:4700, stores: shop (primary)');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^temporal:$/m, '$&\n  apiKey: key-of-the-cloud'));
    const json = await entrepot('config', 'check', file, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      files: [
        {
          file,
          config: {
            temporal: { apiKey: '(secret)' },
            stores: { shop: { sealing: { current: 'first', keys: { first: '(secret)' } } } },
          },
        },
      ],
      ...{ wrong: [], misfits: [] },
    });
    const all = await entrepot('config', 'check', '--data', data);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(all.stdout.match(/ is right: site \w+ at /g)).toHaveLength(3);
    expect(all.stdout).toContain('they fit together');
  });

  it('ends with 2 for files that do not fit together, names all that is wrong, and shows no secrets', async () => {
    const trial = openTrial({ data: join(folder, 'misfits'), secondaries: 1 }, 4700, newKey);
    const [hq, north] = trial.sites.map(({ config }) => readFileSync(config, 'utf8'));
    const other = join(folder, 'misfits', 'other.yaml');
    const key = Buffer.alloc(32, 9).toString('base64');
    writeFileSync(other, (north ?? '').replace(/first: \S{44}/, `first: ${key}`).replace('port: 4701', 'port: 4700'));
    const broken = join(folder, 'misfits', 'broken.yaml');
    writeFileSync(broken, (hq ?? '').replace('level: info', 'level: infos'));
    const { code, stdout, stderr } = await entrepot('config', 'check', trial.sites[0]?.config ?? '', other, broken);
    expect(stdout.match(/ is right: /g)).toHaveLength(2);
    expect(stderr).toContain('log.level is "infos": allowed: trace, debug');
    expect(stderr).toContain('the files do not fit together:');
    expect(stderr).toMatch(/hq\.yaml and \S+other\.yaml both listen on port 4700: set listen\.port of one to another/);
    expect(stderr).toMatch(/the sealing key "first" of \S+hq\.yaml is another one in \S+other\.yaml/);
    expect(stderr + stdout).not.toContain(key);
    expect(code).toBe(2);
  });

  it('ends with 2 for a file that is wrong', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'site: north\ncolour: red\n');
    const { code, stderr } = await entrepot('config', 'check', file);
    expect(stderr).toContain('unknown key colour; allowed: site, listen, url, database');
    expect(code).toBe(2);
  });
});

describe('temporal namespace', () => {
  it('refuses a retention that Temporal would refuse', async () => {
    const { sites } = openTrial({ data: join(folder, 'made') }, 4700, newKey);
    const order = ['temporal', 'namespace', '--config', sites[0]?.config ?? ''];
    expect(await entrepot(...order, '--retention-days', '0')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('must be a whole number from 1 to 3650'),
    });
  });
});

describe('start', () => {
  it('refuses a directory that another supervisor holds', async () => {
    const data = join(folder, 'held');
    openTrial({ data }, 4700, newKey);
    writeFileSync(join(data, 'supervisor.pid'), `${process.pid}\n`);
    const { code, stderr } = await entrepot('start', '--data', data);
    expect(stderr).toContain(`already runs on ${data} (process ${process.pid})`);
    expect(code).toBe(1);
  });

  it('refuses other options than the directory was made with', async () => {
    const data = join(folder, 'two');
    openTrial({ data, secondaries: 2 }, 4700, newKey);
    const { code, stderr } = await entrepot('start', '--data', data, '--sites', '3');
    expect(stderr).toContain('was made with --sites 2, not 3');
    expect(code).toBe(2);
  });
});
