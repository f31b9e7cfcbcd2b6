import { type Topology, childrenOf, findSite, parentOf } from '../../domain/sites';
import {
  type TopologyState,
  queueOfParent,
  queueOfPrimary,
  queueOfSite,
  registerSite,
  registrationProblem,
} from '../../domain/topology';

const configured: Topology = {
  store: 'shop',
  version: 0,
  epoch: 1,
  primary: 'hq',
  sites: [
    { site: 'hq', role: 'primary', parent: null, url: 'http://hq', incarnation: 0 },
    { site: 'north', role: 'secondary', parent: 'hq', url: 'http://north', incarnation: 0 },
    { site: 'far-north', role: 'secondary', parent: 'north', url: 'http://far', incarnation: 0 },
  ],
};
const empty: TopologyState = { topology: configured, data: [] };
const north = { site: 'north', dataId: 'd1', url: 'http://north', incarnation: 0 };

describe('registration', () => {
  test('a first registration gets incarnation 1 and a new version', () => {
    const { topology, data } = registerSite(empty, north);
    expect(topology.version).toBe(1);
    expect(findSite(topology, 'north').incarnation).toBe(1);
    expect(data).toEqual([{ site: 'north', dataId: 'd1', incarnation: 1 }]);
  });

  test('the same again changes nothing', () => {
    const once = registerSite(empty, north);
    expect(registerSite(once, { ...north, incarnation: 1 })).toBe(once);
  });

  test('another database of the site gets the next number', () => {
    const lost = registerSite(registerSite(empty, north), { ...north, dataId: 'd2' });
    expect(findSite(lost.topology, 'north').incarnation).toBe(2);
    expect(lost.topology.version).toBe(2);
  });

  test('a database that comes back keeps the number it had', () => {
    const lost = registerSite(registerSite(empty, north), { ...north, dataId: 'd2' });
    const back = registerSite(lost, { ...north, incarnation: 1 });
    expect(findSite(back.topology, 'north').incarnation).toBe(1);
    expect(back.topology.version).toBe(3);
  });

  test('a site that moved keeps its data and tells its new address', () => {
    const moved = registerSite(registerSite(empty, north), { ...north, url: 'http://elsewhere', incarnation: 1 });
    expect(findSite(moved.topology, 'north')).toMatchObject({ incarnation: 1, url: 'http://elsewhere' });
  });

  test('restored data get a number that no data of the site ever had, whoever remembers it', () => {
    const once = registerSite(empty, north);
    const restored = { ...north, dataId: 'd2', before: 1, version: 0 };
    expect(findSite(registerSite(once, restored).topology, 'north').incarnation).toBe(2);
    const afterLoss = registerSite(empty, { ...restored, before: 7 });
    expect(findSite(afterLoss.topology, 'north').incarnation).toBe(8);
    expect(registerSite(afterLoss, { ...north, dataId: 'd2', incarnation: 8, version: 1 })).toBe(afterLoss);
  });

  test('the version goes beyond what any site was told, or a lost authority would speak to deaf ears', () => {
    const told = registerSite(empty, { ...north, incarnation: 2, version: 9 });
    expect(told.topology.version).toBe(10);
    const behind = registerSite(told, { ...north, incarnation: 2, version: 12 });
    expect(behind.topology.version).toBe(13);
    expect(behind.data).toEqual(told.data);
  });

  test('an authority that lost its memory believes what a site was told', () => {
    const { topology, data } = registerSite(empty, { ...north, incarnation: 4 });
    expect(findSite(topology, 'north').incarnation).toBe(4);
    expect(registerSite({ topology, data }, { ...north, dataId: 'd9' }).data.at(-1)).toMatchObject({ incarnation: 5 });
  });

  test('a site outside the topology is refused by name', () => {
    expect(registrationProblem(empty, { ...north, site: 'west' })).toMatch(/site "west".*known: hq, north, far-north/);
    expect(registrationProblem(empty, north)).toBeNull();
  });
});

describe('where things go', () => {
  test("facts go to the parent, on the primary's own queue when the parent is the primary", () => {
    expect(queueOfParent(configured, 'north')).toBe('primary.shop.1');
    expect(queueOfParent(configured, 'far-north')).toBe('site.shop.north.0');
    expect(() => queueOfParent(configured, 'hq')).toThrow(/root of store "shop"/);
  });

  test('queues follow incarnation and epoch', () => {
    const { topology } = registerSite(empty, north);
    expect(queueOfSite(topology, 'north')).toBe('site.shop.north.1');
    expect(queueOfPrimary({ ...topology, epoch: 2 })).toBe('primary.shop.2');
  });

  test('the tree', () => {
    expect(childrenOf(configured, 'hq').map((site) => site.site)).toEqual(['north']);
    expect(parentOf(configured, 'hq')).toBeNull();
    expect(parentOf(configured, 'far-north')?.site).toBe('north');
    expect(() => findSite(configured, 'west')).toThrow(/known: hq, north, far-north/);
  });
});
