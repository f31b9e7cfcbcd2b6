/** `entrepot deliveries` and `held list`: what is delivered, held or parked, for which site, since when and why. */
import { LISTED_MAX } from '../api/deliveries';
import { askEach, requireAll } from './each-site';
import { formatTime, printList, progress } from './output';
import { type Delivery, SiteApi } from './site-api';
import { type Target, resolveTargets } from './target';
import { type TargetOptions } from './target-options';

/** A delivery and the site that has it to deliver. */
type PlacedDelivery = Delivery & { readonly at: string };

/** Everything without an answer yet. */
export function runDeliveries(options: TargetOptions): Promise<void> {
  return list(options, () => true, 'nothing waits');
}

/** Only what does not move: held, parked, or waiting for its turn. */
export function runHeldList(options: TargetOptions): Promise<void> {
  return list(options, ({ state }) => state !== 'delivering', 'nothing is held or parked');
}

/** Over all sites that are meant; those that can't be asked are named at the end. */
async function list(options: TargetOptions, wanted: (delivery: Delivery) => boolean, none: string): Promise<void> {
  const { said: deliveries, silent } = await askEach(resolveTargets(options), deliveriesAt);
  const shown = deliveries.filter(wanted).sort((a, b) => (a.since < b.since ? -1 : 1));
  printList(
    options.json,
    shown,
    ['at', 'kind', 'subject', 'count', 'for', 'state', 'since', 'reason', 'Temporal UI'],
    shown.map(({ at, kind, subject, count, site, state, since, reason, temporalUi }) => [
      ...[at, kind, subject, count, site, state],
      ...[formatTime(since), reason, temporalUi],
    ]),
    silent.length > 0 ? 'nothing at the sites that answered' : none,
  );
  tellOfMore(deliveries);
  requireAll(silent);
}

async function deliveriesAt({ name, client }: Target): Promise<PlacedDelivery[]> {
  return (await new SiteApi(client.target).deliveries()).map((delivery) => ({ at: name, ...delivery }));
}

/** A site lists only so many of a kind. */
function tellOfMore(deliveries: readonly PlacedDelivery[]): void {
  for (const at of new Set(deliveries.map((delivery) => delivery.at))) {
    for (const kind of ['stock', 'document']) {
      const listed = deliveries.filter((delivery) => delivery.at === at && delivery.kind === kind).length;
      if (listed >= LISTED_MAX) {
        progress(`${at} lists the newest ${LISTED_MAX} of kind "${kind}": "entrepot status" counts them all`);
      }
    }
  }
}
