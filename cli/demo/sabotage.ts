/** `--sabotage`: breaks one thing in a database after the run, for the check to find. */
import { loseOrder, makeCatalogStale, sellOneTooMany } from '../../db/sabotage';
import { siteConfigs, withDatabases } from '../databases';
import { failed } from '../exit-codes';
import { print } from '../output';
import { type Trial, primaryOf, secondariesOf } from '../trial/layout';
import { readBuyersLog } from './buyers-log';
import { type SabotageKind } from './sabotage-kinds';

export async function sabotage(kind: SabotageKind, trial: Trial, logFile: string): Promise<void> {
  const { head, entries } = readBuyersLog(logFile);
  const victim = secondariesOf(trial)[0] ?? primaryOf(trial);
  const site = kind === 'lost-order' ? trial.primary : victim.site;
  const configs = siteConfigs([], trial.data).filter((config) => config.site === site);
  await withDatabases(configs, async ([opened]) => {
    if (!opened) throw failed(`there is no database of site ${site} to sabotage`);
    const { db } = opened;
    if (kind === 'lost-order') {
      const orderId = entries.find((entry) => entry.outcome === 'ordered' && entry.primaryGone)?.orderId;
      if (!orderId) throw failed('no order was accepted while the primary was gone: there is none to lose');
      await loseOrder(db, trial.store, orderId);
      print(`\nsabotage: order ${orderId} is taken out of the database of ${site}`);
    } else if (kind === 'oversell') {
      await sellOneTooMany(db, trial.store, head.lastUnits.sku, Date.now());
      print(`\nsabotage: one more unit of ${head.lastUnits.sku} is sold in the ledger of ${site}`);
    } else {
      await makeCatalogStale(db, trial.store, trial.catalog);
      print(`\nsabotage: the catalogue of ${site} is put back by a revision`);
    }
  });
}
