/** A wrong configuration file is refused with what is wrong, where, and what is allowed instead. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { ConfigError, loadConfig, requireFiles, storeSettingsFrom } from '../../workers/config';
import { environmentName, environmentNames } from '../../workers/config-environment';

const GOOD = `
site: north
listen: { host: 127.0.0.1, port: 4601 }
url: http://127.0.0.1:4601/
database: north.sqlite
documentsDir: documents
temporal: { address: 127.0.0.1:7233 }
stores:
  shop:
    name: The Gift Shop
    domain: shop.example
    currency: GBP
    shippingMethods:
      - { code: standard, description: Standard, amount: "3.50" }
    sealing:
      current: first
      keys: { first: ${Buffer.alloc(32, 7).toString('base64')} }
    topology:
      primary: hq
      sites:
        - { site: hq, role: primary, url: "http://127.0.0.1:4600" }
        - { site: north, role: secondary, parent: hq, url: "http://127.0.0.1:4601" }
`;

/** The text between two places of the good file is replaced by something wrong. */
type Edit = (tree: ReturnType<typeof goodTree>) => void;

function goodTree() {
  return parse(GOOD) as {
    [key: string]: unknown;
    listen: Record<string, unknown>;
    temporal: Record<string, unknown>;
    log?: Record<string, unknown>;
    stores: { shop: Record<string, unknown> & { topology: { primary: string; sites: Record<string, unknown>[] } } };
  };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(text: string): string {
  const file = join(folder, 'site.yaml');
  writeFileSync(file, text);
  return file;
}

function problemsOf(text: string, environment: Record<string, string> = {}): readonly string[] {
  try {
    loadConfig(write(text), environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was taken although it is wrong');
}

function edited(edit: Edit): string {
  const tree = goodTree();
  edit(tree);
  return stringify(tree);
}

describe('a right file', () => {
  it('is read with defaults, absolute paths and no slash behind the URL', () => {
    const config = loadConfig(write(GOOD), {});
    expect(config).toMatchObject({
      site: 'north',
      url: 'http://127.0.0.1:4601',
      database: join(folder, 'north.sqlite'),
      documentsDir: join(folder, 'documents'),
      temporal: { address: '127.0.0.1:7233', namespace: 'default', uiUrl: 'http://127.0.0.1:8233' },
      log: { level: 'info' },
      documents: {},
    });
    expect(config.stores['shop']).toMatchObject({ language: 'en', catalog: 'main', priceChange: 'refuse' });
  });

  it('becomes store settings with exact amounts, key bytes and a topology of epoch 1', () => {
    const settings = storeSettingsFrom(loadConfig(write(GOOD), {})).get('shop');
    expect(settings?.shippingMethods).toEqual([{ code: 'standard', description: 'Standard', amount: 35_000 }]);
    expect(settings?.sealing.keys.get('first')).toEqual(Buffer.alloc(32, 7));
    expect(settings?.configuredTopology).toEqual({
      store: 'shop',
      version: 0,
      epoch: 1,
      primary: 'hq',
      sites: [
        { site: 'hq', role: 'primary', parent: null, url: 'http://127.0.0.1:4600', incarnation: 0 },
        { site: 'north', role: 'secondary', parent: 'hq', url: 'http://127.0.0.1:4601', incarnation: 0 },
      ],
    });
  });

  it('leaves a MariaDB URL as it is', () => {
    const url = 'mysql://shop:secret@127.0.0.1:3306/entrepot_north';
    expect(loadConfig(write(edited((tree) => void (tree['database'] = url))), {}).database).toBe(url);
  });
});

describe('the thresholds of a store', () => {
  const withRule = (replenishment: unknown) =>
    edited((tree) => void (tree.stores.shop['inventory'] = { replenishment }));

  it('are off unless said otherwise, and of one of four kinds', () => {
    expect(loadConfig(write(GOOD), {}).stores['shop']?.inventory.replenishment).toEqual({
      ...{ everyMinutes: 0, substitutes: {} },
    });
    const rule = { everyMinutes: 5, threshold: { percentage: 20 }, refillTo: { days: 3 }, substitutes: { A: ['B'] } };
    expect(loadConfig(write(withRule(rule)), {}).stores['shop']?.inventory.replenishment).toEqual(rule);
  });

  it('are not of two kinds', () => {
    const [problem] = problemsOf(withRule({ threshold: { units: 3, days: 2 } }));
    expect(problem).toContain('must be one of { units }, { percentage } (0 to 100), { days } and { value }');
  });
});

describe('the way to Temporal', () => {
  const secured = edited((tree) => {
    Object.assign(tree.temporal, { tls: { caFile: 'ca.pem', certFile: 'north.pem', keyFile: '/keys/north.key' } });
  });

  it('has files that are relative to the configuration file, as everything there', () => {
    expect(loadConfig(write(secured), {}).temporal.tls).toEqual({
      caFile: join(folder, 'ca.pem'),
      certFile: join(folder, 'north.pem'),
      keyFile: '/keys/north.key',
    });
  });

  it('is all there before a site starts', () => {
    const file = write(secured);
    const config = loadConfig(file, { ENTREPOT_TEMPORAL_TLS_CA_FILE: file });
    expect(() => requireFiles(config, file)).toThrow(
      /used:\n {2}temporal\.tls\.certFile can't be read: .*ENOENT.*north\.pem'\n {2}temporal\.tls\.keyFile can't be read/,
    );
    expect(() => requireFiles(loadConfig(write(GOOD), {}), file)).not.toThrow();
  });

  it('shows an API key nowhere', () => {
    const environment = { ENTREPOT_TEMPORAL_API_KEY: 'from-the-environment' };
    expect(loadConfig(write(GOOD), environment).temporal.apiKey).toBe('from-the-environment');
    const [problem] = problemsOf(edited((tree) => void (tree.temporal['apiKey'] = 123456)));
    expect(problem).toBe('temporal.apiKey is (not shown): must be text (in quotes where it looks like a number)');
  });

  it('has a certificate and its key, or neither', () => {
    const problems = problemsOf(edited((tree) => void (tree.temporal['tls'] = { certFile: 'north.pem' })));
    expect(problems[0]).toContain('temporal.tls is keys and values (certFile): must have both certFile and keyFile');
  });
});

describe('environment over the file', () => {
  it('names a key by its path', () => {
    expect(environmentName(['temporal', 'uiUrl'])).toBe('ENTREPOT_TEMPORAL_UI_URL');
    expect(environmentNames(goodTree())).toContain('ENTREPOT_STORES_SHOP_SEALING_KEYS_FIRST');
  });

  it('wins over the file', () => {
    const environment = {
      ENTREPOT_LISTEN_PORT: '4999',
      ENTREPOT_TEMPORAL_ADDRESS: 'temporal.example:7233',
      ENTREPOT_LOG_LEVEL: 'warn',
      ENTREPOT_STORES_SHOP_SEALING_KEYS_FIRST: Buffer.alloc(32, 9).toString('base64'),
    };
    const config = loadConfig(write(GOOD), environment);
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 4999 });
    expect(config.temporal.address).toBe('temporal.example:7233');
    expect(config.log.level).toBe('warn');
    expect(storeSettingsFrom(config).get('shop')?.sealing.keys.get('first')).toEqual(Buffer.alloc(32, 9));
  });

  it('is named where it is what is wrong', () => {
    expect(problemsOf(GOOD, { ENTREPOT_LISTEN_PORT: 'many' })).toEqual([
      'listen.port (from ENTREPOT_LISTEN_PORT) is "many": must be a number',
    ]);
  });

  it('is refused where it names no key', () => {
    const [problem] = problemsOf(GOOD, { ENTREPOT_LISTEN_PROT: '1' });
    expect(problem).toContain('ENTREPOT_LISTEN_PROT names no key; allowed: ENTREPOT_SITE, ENTREPOT_LISTEN_HOST');
  });
});

describe('a wrong file', () => {
  const wrong: [string, Edit, string][] = [
    [
      'an unknown key at the top',
      (tree) => void (tree['databse'] = 'x'),
      'unknown key databse; allowed: site, listen, url, database, documentsDir, temporal, stores, documents, log',
    ],
    [
      'an unknown key within',
      (tree) => void (tree.listen['prot'] = 1),
      'unknown key listen.prot; allowed in listen: host, port',
    ],
    [
      'an unknown key in a list',
      (tree) => void ((tree.stores.shop.topology.sites[1] as Record<string, unknown>)['rol'] = 'x'),
      'unknown key stores.shop.topology.sites.1.rol; allowed in stores.shop.topology.sites.1: site, role, parent, url',
    ],
    ['a missing key', (tree) => void delete tree['url'], 'url is missing: must be text'],
    [
      'a value that is not among the allowed',
      (tree) => void (tree.log = { level: 'loud' }),
      'log.level is "loud": allowed: trace, debug, info, warn, error, fatal, silent',
    ],
    [
      'a role that does not exist',
      (tree) => void ((tree.stores.shop.topology.sites[1] as Record<string, unknown>)['role'] = 'helper'),
      'stores.shop.topology.sites.1.role is "helper": allowed: primary, secondary, offload, recovery',
    ],
    [
      'a port out of range',
      (tree) => void (tree.listen['port'] = 70_000),
      'listen.port is 70000: must be at most 65535',
    ],
    ['a name with capitals', (tree) => void (tree['site'] = 'North'), 'site is "North": must be 1 to 32 of a-z'],
    [
      'an amount that is a float',
      (tree) => void (tree.stores.shop['shippingMethods'] = [{ code: 'a', description: 'b', amount: 3.5 }]),
      'stores.shop.shippingMethods.0.amount is 3.5: must be text (in quotes',
    ],
    [
      'an amount with too many decimals',
      (tree) => void (tree.stores.shop['shippingMethods'] = [{ code: 'a', description: 'b', amount: '3.50001' }]),
      'stores.shop.shippingMethods.0.amount is "3.50001": must be a decimal of at most four places',
    ],
    ['a currency', (tree) => void (tree.stores.shop['currency'] = 'GBX'), 'stores.shop.currency is "GBX": must be a'],
    [
      'a URL without scheme',
      (tree) => void (tree['url'] = '127.0.0.1:1'),
      'url is "127.0.0.1:1": must be an http:// or https:// URL',
    ],
    [
      'an address of Temporal with a scheme',
      (tree) => void (tree.temporal['address'] = 'http://127.0.0.1:7233'),
      'temporal.address is "http://127.0.0.1:7233": must be host:port',
    ],
    [
      'a current key that is missing',
      (tree) => void ((tree.stores.shop['sealing'] as Record<string, unknown>)['current'] = 'second'),
      'stores.shop.sealing.current is "second": names the key "second", which is not among "keys" (first)',
    ],
    [
      'this site missing from the topology',
      (tree) => void (tree['site'] = 'south'),
      'stores.shop.topology.sites lacks this site, "south" (has: hq, north)',
    ],
    [
      'a primary that is missing from the topology',
      (tree) => void (tree.stores.shop.topology.primary = 'south'),
      'stores.shop.topology.primary is "south": allowed: hq, north',
    ],
    [
      'parents in a circle',
      (tree) =>
        void tree.stores.shop.topology.sites.push(
          { site: 'east', role: 'secondary', parent: 'west', url: 'http://127.0.0.1:1' },
          { site: 'west', role: 'secondary', parent: 'east', url: 'http://127.0.0.1:2' },
        ),
      'the parents of "east" do not lead to the primary, "hq"',
    ],
    [
      'a site named twice',
      (tree) =>
        void tree.stores.shop.topology.sites.push({
          site: 'north',
          role: 'secondary',
          parent: 'hq',
          url: 'http://127.0.0.1:1',
        }),
      'stores.shop.topology.sites names "north" twice',
    ],
    [
      'shares of an allocation without a part',
      (tree) => void (tree.stores.shop['inventory'] = { allocation: { by: 'shares', shares: { north: 0 } } }),
      'must give at least one site a part where "by" is "shares", for example { north: 2, south: 1 }',
    ],
    [
      'central items without a wait for the primary',
      (tree) => void (tree.stores.shop['inventory'] = { borrowing: { waitMs: 0 }, central: { items: ['A'] } }),
      'must be more than 0 where "central.items" names any: their orders ask the primary',
    ],
    [
      'a share for emergencies that nothing fetches',
      (tree) => void (tree.stores.shop['inventory'] = { central: { items: 'all', emergencyUnits: 2 } }),
      'must be more than 0 where "central.emergencyUnits" is: it is a look for short items that fetches them',
    ],
    [
      'central items that are neither a list nor a word',
      (tree) => void (tree.stores.shop['inventory'] = { central: { items: 'some' } }),
      'must be none, all, or a list of at most 1000 skus',
    ],
    ['no stores', (tree) => void ((tree as Record<string, unknown>)['stores'] = {}), 'must name at least one store'],
  ];

  it.each(wrong)('is refused for %s', (_name, edit, expected) => {
    expect(problemsOf(edited(edit)).join('\n')).toContain(expected);
  });

  it('does not show a sealing key that is wrong', () => {
    const problems = problemsOf(
      edited((tree) => void (tree.stores.shop['sealing'] = { current: 'a', keys: { a: 'c2hvcnQ=' } })),
    );
    expect(problems.join('\n')).toContain('stores.shop.sealing.keys.a is (not shown): must be 32 bytes as base64');
    expect(problems.join('\n')).not.toContain('c2hvcnQ=');
  });

  it.each<[string, Edit]>([
    ['a sealing key in the wrong place', (tree) => void (tree.stores.shop['sealing'] = 'pa55w0rd')],
    ['a list of sealing keys', (tree) => void (tree.stores.shop['sealing'] = ['pa55w0rd'])],
    ['stores in a list', (tree) => Object.assign(tree, { stores: [{ sealing: 'pa55w0rd' }] })],
    [
      'a password that makes another URL than was meant',
      (tree) => Object.assign(tree, { database: 'mysql://shop:1/pa55w0rd@h/x' }),
    ],
    ['a database of another kind', (tree) => Object.assign(tree, { database: 'postgres://shop:pa55w0rd@h/x' })],
    ["a password in the site's own URL", (tree) => Object.assign(tree, { url: 'http://shop:pa55w0rd@127.0.0.1:1' })],
  ])('refuses %s and does not show it', (_what, edit) => {
    const problems = problemsOf(edited(edit)).join('\n');
    expect(problems).not.toBe('');
    expect(problems).not.toContain('pa55w0rd');
  });

  it('names all of its problems and the file at once', () => {
    const file = write(edited((tree) => Object.assign(tree, { site: 'N', url: 'x' })));
    expect(() => loadConfig(file, {})).toThrow(
      new RegExp(`^${file} can't be used:\\n {2}site is "N".*\\n {2}url is "x"`),
    );
  });

  it('says where YAML is broken', () => {
    expect(problemsOf('site: [north\nurl: x\n').join('\n')).toMatch(/not YAML: .* at line \d+, column \d+/);
  });

  it('that is missing or empty is named', () => {
    expect(() => loadConfig(join(folder, 'none.yaml'), {})).toThrow(/none\.yaml can't be used:\n.*ENOENT/);
    expect(problemsOf('')).toEqual([expect.stringContaining('must hold keys and values; allowed: site, listen, url')]);
  });
});
