/** Does every site know the newest topology: its store's epoch, primary and incarnations? */
import { type OwnTopology } from '../../db/topology';
import { type Topology } from '../../domain/sites';
import { type Finding, Findings } from './finding';

/** What the topology's authority says, where it could be asked. */
export type Authority = Topology | 'none' | { readonly reason: string } | undefined;

export function judgeEpochs(store: string, sites: readonly OwnTopology[], authority: Authority): Finding[] {
  if (sites.length === 0) return [];
  const asked = authority !== undefined && typeof authority === 'object' && 'epoch' in authority;
  const newest = asked ? authority : sites.map(({ topology }) => topology).reduce(newer);
  const by = asked ? 'the authority is at' : 'another site is at';
  return [...(asked ? [] : [unasked(store, authority)]), ...sites.map((own) => judge(store, own, newest, by))];
}

function newer(one: Topology, other: Topology): Topology {
  return other.epoch > one.epoch || (other.epoch === one.epoch && other.version > one.version) ? other : one;
}

function unasked(store: string, authority: Exclude<Authority, Topology>): Finding {
  const finding = new Findings('epoch', `store ${store}`);
  if (authority === 'none') {
    return finding.warning('the topology has no authority yet', 'the first site that reaches Temporal starts it');
  }
  const reason = authority?.reason ?? 'Temporal is not reached';
  return finding.warning(
    `the topology's authority could not be asked (${reason}): the sites were compared with each other`,
    'it answers while Temporal and any one site run',
  );
}

function judge(store: string, own: OwnTopology, newest: Topology, by: string): Finding {
  const finding = new Findings('epoch', own.site);
  const { epoch, version } = own.topology;
  const remedy = `start site ${own.site} where it reaches Temporal: it registers at once, then every minute, and learns it`;
  if (epoch < newest.epoch) {
    return finding.fault(
      `store ${store} is in epoch ${epoch} here, ${by} ${newest.epoch} (primary ${newest.primary})`,
      `${remedy}; until then its commands are refused, its facts are taken`,
    );
  }
  if (version < newest.version) {
    return finding.warning(`store ${store}: topology version ${version} here, ${by} ${newest.version}`, remedy);
  }
  return finding.ok(`store ${store}: epoch ${epoch}, topology version ${version}`);
}
