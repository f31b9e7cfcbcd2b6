/** Everybody who does something in the simulated world. A new capability joins by a file here: see README.md beside. */
import { type World } from '../world';
import { allocations, reallocations } from './allocations';
import { buyers } from './buyers';
import { integrators } from './integrators';
import { janitors } from './janitors';
import { operators } from './operators';
import { reclaims } from './reclaims';
import { replenishments } from './replenishments';
import { splitCarts } from './split-carts';
import { storms } from './storms';
import { updates } from './updates';
import { warehouse } from './warehouse';

export interface Actor {
  readonly name: string;
  /** Between two acts, milliseconds, least and most. */
  readonly every: readonly [number, number];
  /** Begins one thing; whatever takes longer goes on by itself (`world.outsideDoes`, `world.ask`). */
  readonly act: (world: World) => void | Promise<void>;
}

const STOCK: readonly Actor[] = [warehouse, allocations, reallocations, replenishments, updates, reclaims];
const SALES: readonly Actor[] = [buyers, splitCarts, integrators];
const TROUBLE: readonly Actor[] = [operators, janitors, storms];
const ACTORS = [...STOCK, ...SALES, ...TROUBLE];

/** Lets everybody act until the world is calm. */
export function beginActing(world: World): void {
  for (const actor of ACTORS) next(world, actor);
}

function next(world: World, actor: Actor): void {
  const { scheduler, dice, outside } = world;
  scheduler.later(outside, actor.name, dice.between(...actor.every), async () => {
    if (world.calm) return;
    await actor.act(world);
    next(world, actor);
  });
}
