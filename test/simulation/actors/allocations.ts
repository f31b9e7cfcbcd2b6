/** The root's operator shares the pool out, and a parent moves units to a child that lacks some. */
import { SHARING_RULES } from '../../../domain/inventory';
import { childrenOf } from '../../../domain/sites';
import { formatWorkflowId } from '../../../domain/workflow-ids';
import { type InventoryAllocationInput, type InventoryReallocationInput } from '../../../domain/workflow-inputs';
import { ITEMS, STORE } from '../shop';
import { type World } from '../world';
import { type Actor } from './index';
import { askForWorkflow } from './requests';

export const allocations: Actor = {
  name: 'allocations',
  every: [400, 6_000],
  act(world) {
    const { dice, root } = world;
    const children = childrenOf(world.topology, root.name).map(({ site }) => site);
    const sites = dice.oneIn(2) ? [] : dice.some(children, dice.between(1, children.length));
    const skus = dice.oneIn(2) ? [] : dice.some(ITEMS, dice.between(1, 2)).map(({ sku }) => sku);
    const ownShare = dice.oneIn(2);
    const by = dice.oneIn(2) ? 'equal' : dice.pick(SHARING_RULES);
    const shares = Object.fromEntries(children.map((site) => [site, dice.between(0, 3)]));
    const sharing = { by, shares, only: sites.length > 0 && dice.oneIn(2) };
    world.outsideDoes('allocation', () =>
      askForWorkflow(world, root, (topology, uuid) => {
        const id = { store: STORE, request: uuid() };
        const input: InventoryAllocationInput = { ...id, sites, skus, ownShare, sharing, topology };
        const kind = 'inventoryAllocation';
        return { kind, workflowId: formatWorkflowId(kind, id), input };
      }),
    );
  },
};

export const reallocations: Actor = {
  name: 'reallocations',
  every: [1_000, 9_000],
  act(world) {
    const { dice } = world;
    const { parent, taker } = dice.pick(pairsOf(world));
    const lines = dice.some(ITEMS, dice.between(1, 2)).map(({ sku }) => ({ sku, quantity: dice.between(1, 20) }));
    world.outsideDoes('reallocation', () =>
      askForWorkflow(world, world.site(parent), (topology, uuid) => {
        const id = { store: STORE, site: parent, request: uuid() };
        const input: InventoryReallocationInput = { ...id, wanted: { taker, lines }, topology };
        const kind = 'inventoryReallocation';
        return { kind, workflowId: formatWorkflowId(kind, id), input };
      }),
    );
  },
};

function pairsOf({ topology }: World): { parent: string; taker: string }[] {
  return topology.sites.flatMap(({ site, parent }) => (parent === null ? [] : [{ parent, taker: site }]));
}
