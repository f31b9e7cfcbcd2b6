/** What happens to goods at a site and is told it: some come in, are counted, go missing, come back, are recalled. */
import { UPDATE_KINDS, type UpdateLine } from '../../../domain/inventory';
import { formatWorkflowId } from '../../../domain/workflow-ids';
import { type InventoryUpdateInput } from '../../../domain/workflow-inputs';
import { ITEMS, ROOT, STORE } from '../shop';
import { type Actor } from './index';
import { askForWorkflow } from './requests';

const ATTEMPTS_MAX = 3;

export const updates: Actor = {
  name: 'updates',
  every: [1_000, 9_000],
  act(world) {
    const { dice, oracle, scheduler, outside } = world;
    const site = dice.pick([...world.sites.keys()]);
    const kind = dice.pick(UPDATE_KINDS.filter((one) => one !== 'recall' || site !== ROOT));
    const update = `update-${dice.below(2 ** 31)}`;
    const lines = dice.some(ITEMS, dice.between(1, 2)).map(({ sku }): UpdateLine => {
      const quantity = dice.between(1, 12);
      return kind === 'count' ? { sku, quantity, expected: dice.between(0, 20) } : { sku, quantity };
    });
    const sign = kind === 'receipt' || kind === 'return' ? 1 : -1;
    const change = lines.map(
      ({ sku, quantity, expected }) => [sku, expected === undefined ? sign * quantity : quantity - expected] as const,
    );
    // A recall only moves units; what it moves is a transfer.
    if (kind !== 'recall') oracle.stock.happen(update, site, new Map(change.filter(([, units]) => units !== 0)));
    oracle.note(
      'people',
      `tell ${site} of ${kind} ${update}`,
      lines.map(({ sku }) => sku),
    );
    world.happened('update');
    const { parent } = world.topology.sites.find((one) => one.site === site) ?? { parent: null };
    const asker = parent ?? site;
    world.outsideDoes('update', async () => {
      for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        try {
          await askForWorkflow(world, world.site(asker), (topology) => {
            const id = { store: STORE, site, update };
            const input: InventoryUpdateInput = { ...id, asker, kind, lines, topology };
            return { kind: 'inventoryUpdate', workflowId: formatWorkflowId('inventoryUpdate', id), input };
          });
          return;
        } catch {
          await scheduler.wait(outside, 'told again', { delay: dice.below(10_000) });
        }
      }
    });
  },
};
