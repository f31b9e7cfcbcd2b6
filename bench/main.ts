/** `npm run bench -- NAME [--option value …]`: runs one measurement. */
import { parseArgs } from 'node:util';
import { catalog } from './catalog';
import { catalogDelta } from './catalog/delta';
import { checkout } from './checkout';
import { inventory } from './inventory';
import { replenishment } from './inventory/replenishment';
import { poDelivery } from './po-delivery';

const BENCHES: Readonly<Record<string, (options: Readonly<Record<string, string>>) => Promise<void>>> = {
  catalog,
  'catalog-delta': catalogDelta,
  checkout,
  inventory,
  'po-delivery': poDelivery,
  replenishment,
};

async function main(): Promise<void> {
  const { positionals, tokens } = parseArgs({ strict: false, allowPositionals: true, tokens: true });
  const [name = ''] = positionals;
  const bench = BENCHES[name];
  if (!bench) throw new Error(`there is no bench "${name}"; there are: ${Object.keys(BENCHES).join(', ')}`);
  const options: Record<string, string> = {};
  let last: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'option') {
      last = token.name;
      options[token.name] = token.value ?? '';
    } else if (token.kind === 'positional' && last !== undefined) {
      options[last] = token.value;
      last = undefined;
    }
  }
  await bench(options);
}

main().then(
  // Nothing is left to wait for; the SDK's native threads need no farewell.
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
