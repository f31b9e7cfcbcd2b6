/** `entrepot deliveries`: what is held, for which site, since when and why. */
import { formatTime, printList } from './output';
import { SiteApi } from './site-api';
import { resolveTarget } from './target';
import { type TargetOptions } from './target-options';

export async function runDeliveries(options: TargetOptions): Promise<void> {
  const api = new SiteApi(resolveTarget(options).target);
  const deliveries = await api.deliveries();
  printList(
    options.json,
    deliveries,
    ['kind', 'subject', 'count', 'for', 'state', 'since', 'reason', 'Temporal UI'],
    deliveries.map((delivery) => [
      delivery.kind,
      delivery.subject,
      delivery.count,
      delivery.site,
      delivery.state,
      formatTime(delivery.since),
      delivery.reason,
      delivery.temporalUi,
    ]),
    'nothing waits',
  );
}
