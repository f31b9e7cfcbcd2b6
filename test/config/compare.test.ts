/** What one file can't show: whether the sites' files fit each other. */
import { type NamedConfig, compareConfigs } from '../../workers/config-compare';
import { type SiteConfig, type SiteConfigInput, configSchema } from '../../workers/config';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');

function configOf(site: string, host = '127.0.0.1', port = site === 'hq' ? 4600 : 4601): SiteConfig {
  const url = `http://${host}:${port}`;
  const input: SiteConfigInput = {
    ...{ site, listen: { port }, url, database: `/data/${site}.sqlite`, documentsDir: `/data/${site}` },
    temporal: { address: '127.0.0.1:7233' },
    stores: {
      shop: {
        ...{ name: 'Shop', domain: 'shop.example', currency: 'GBP' },
        shippingMethods: [{ code: 'standard', description: 'Standard', amount: '3.50' }],
        sealing: { current: 'first', keys: { first: key(7) } },
        topology: {
          primary: 'hq',
          sites: [
            { site: 'hq', role: 'primary', url: 'http://127.0.0.1:4600' },
            { site: 'north', role: 'secondary', parent: 'hq', url: 'http://127.0.0.1:4601' },
          ],
        },
      },
    },
  };
  return configSchema.parse(input);
}

type Draft = { -readonly [K in keyof SiteConfig]: SiteConfig[K] };

function misfits(change: (north: Draft, shop: SiteConfig['stores'][string]) => void): string[] {
  const hq = configOf('hq');
  const north: Draft = structuredClone(configOf('north'));
  change(north, north.stores['shop'] as SiteConfig['stores'][string]);
  const files: NamedConfig[] = [
    { file: 'hq.yaml', config: hq },
    { file: 'north.yaml', config: north },
  ];
  return compareConfigs(files).map(({ level, message }) => `${level}: ${message}`);
}

test('files that fit give nothing', () => {
  expect(misfits(() => undefined)).toEqual([]);
});

test.each<[string, Parameters<typeof misfits>[0], string]>([
  ['one site twice', (north) => void (north.site = 'hq'), 'hq.yaml and north.yaml are both of site "hq"'],
  ['one address', (north) => void (north.url = 'http://127.0.0.1:4600'), 'have the same url, http://127.0.0.1:4600'],
  ['one port', (north) => void (north.listen = { ...north.listen, port: 4600 }), 'both listen on port 4600'],
  [
    'one port, on every address',
    (north) => void (north.listen = { host: '0.0.0.0', port: 4600 }),
    'both listen on port 4600',
  ],
  ['one file', (north) => void (north.database = '/data/hq.sqlite'), 'name the same database'],
  ['one folder', (north) => void (north.documentsDir = '/data/hq'), 'have the same documentsDir'],
  [
    'another namespace',
    (north) => void (north.temporal = { ...north.temporal, namespace: 'other' }),
    "Temporal's namespace is default in hq.yaml and other in north.yaml",
  ],
  [
    'another currency',
    (_north, shop) => void (shop.currency = 'EUR'),
    'currency is GBP in hq.yaml and EUR in north.yaml',
  ],
  [
    'another primary',
    (_north, shop) => void (shop.topology.primary = 'north'),
    'topology.primary is hq in hq.yaml and north in north.yaml',
  ],
  [
    'a site that only one knows',
    (_north, shop) =>
      void shop.topology.sites.push({ site: 'south', role: 'secondary', parent: 'hq', url: 'http://s' }),
    'topology.sites (south) is absent in hq.yaml and secondary under hq at http://s in north.yaml',
  ],
  [
    'an address that the topology does not know',
    (north) => void (north.url = 'http://127.0.0.1:4999'),
    'url is http://127.0.0.1:4999, and the topology of store shop says that north is at http://127.0.0.1:4601',
  ],
  [
    'another key of the same name',
    (_north, shop) => void (shop.sealing.keys = { first: key(8) }),
    'fault: store shop: the sealing key "first" of hq.yaml is another one in north.yaml',
  ],
  [
    'a current key that others lack',
    (_north, shop) => void (shop.sealing = { current: 'next', keys: { first: key(7), next: key(8) } }),
    'fault: store shop: north.yaml seals with the key "next", which hq.yaml lacks',
  ],
  [
    'a key that others lack',
    (_north, shop) => void (shop.sealing.keys = { first: key(7), next: key(8) }),
    'warning: store shop: hq.yaml lacks the sealing key "next" of north.yaml',
  ],
])('%s is named', (_name, change, expected) => {
  const found = misfits(change);
  expect(found.join('\n')).toContain(expected);
  for (const byte of [7, 8]) expect(found.join('\n')).not.toContain(key(byte).slice(0, 20));
});

test('machines of their own may have the same ports and files', () => {
  const hq = configOf('hq');
  const north = { ...configOf('north', 'north.example', 4600), database: hq.database, documentsDir: hq.documentsDir };
  const shop = north.stores['shop'] as SiteConfig['stores'][string];
  const stores = (config: SiteConfig) => {
    const sites = shop.topology.sites.map((site) => (site.site === 'north' ? { ...site, url: north.url } : site));
    return { ...config, stores: { shop: { ...shop, topology: { ...shop.topology, sites } } } };
  };
  const files = [hq, north].map((config) => ({ file: `${config.site}.yaml`, config: stores(config) }));
  expect(compareConfigs(files)).toEqual([]);
});

test('one database on a server is the same whoever logs in', () => {
  const at = (config: SiteConfig, database: string) => ({
    file: `${config.site}.yaml`,
    config: { ...config, database },
  });
  const files = [
    at(configOf('hq'), 'mysql://a:secret@db.example/shop'),
    at(configOf('north'), 'mysql://b:secret@db.example/shop'),
  ];
  const found = compareConfigs(files);
  expect(found.map(({ message }) => message)).toEqual(['hq.yaml and north.yaml name the same database']);
});
