/** Bugs planted in copies of the source are found by what each site shows and answers, and the source itself has none. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Patch, copySource, remove } from '../simulation/compile';

const SEED = Number(process.env['ENTREPOT_SEED'] ?? 20101202);
const ROUNDS = 150;
const TIMEOUT_MS = 5 * 60_000;

const CONTENT = 'activities/catalog/content.ts';
const AUDIENCE = 'domain/audience.ts';

interface PlantedBug {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly found: RegExp;
}

/** A digest that does not add up would hide what else is wrong: the site would ask for the full document. */
const BLIND: Patch = {
  file: 'activities/catalog/apply.ts',
  find: 'if (itemCount !== announced.itemCount || digest !== announced.digest) {',
  replace: 'if (itemCount < 0 && digest !== announced.digest) {',
};

const DELTA = 'domain/catalog-delta.ts';
const BUGS: readonly PlantedBug[] = [
  {
    name: 'a withdrawal is dropped in a merge',
    patches: [
      {
        file: CONTENT,
        find: 'gone.push(...goneOf(changed));',
        replace: 'if (target - base === 1) gone.push(...goneOf(changed));',
      },
    ],
    found: /did not take revision/,
  },
  {
    name: 'a withdrawal is dropped in a merge, and nobody adds up',
    patches: [
      {
        file: CONTENT,
        find: 'gone.push(...goneOf(changed));',
        replace: 'if (target - base === 1) gone.push(...goneOf(changed));',
      },
      BLIND,
    ],
    found: /where it may show/,
  },
  {
    name: 'a delta is applied on any base',
    patches: [
      {
        file: DELTA,
        find: 'return site.revision < target && fits;',
        replace: 'return site.revision < target && (fits || base > 0);',
      },
    ],
    found: /and answered/,
  },
  {
    name: 'a delta is applied on any base, and nobody adds up',
    patches: [
      {
        file: DELTA,
        find: 'return site.revision < target && fits;',
        replace: 'return site.revision < target && (fits || base > 0);',
      },
      BLIND,
    ],
    found: /where it may show|and answered/,
  },
  {
    name: 'an older revision is taken again',
    patches: [
      {
        file: DELTA,
        find: 'return site.revision < target && fits;',
        replace: 'return site.revision !== target && fits;',
      },
    ],
    found: /went back/,
  },
  {
    name: 'a removal is not sent to those who may no longer see the item',
    patches: [
      {
        file: CONTENT,
        find: 'const changed = versions.map(seen).filter(isChange);',
        replace:
          'const changed = versions.filter((one) => one.after === null || seen(one).after !== null).map(seen).filter(isChange);',
      },
      BLIND,
    ],
    found: /where it may show/,
  },
  {
    name: 'an item that comes into view is not sent',
    patches: [
      {
        file: CONTENT,
        find: 'const changed = versions.map(seen).filter(isChange);',
        replace:
          'const changed = versions.filter((one) => one.before === null || seen(one).before !== null).map(seen).filter(isChange);',
      },
      BLIND,
    ],
    found: /where it may show/,
  },
  {
    name: "other groups' prices travel, too",
    patches: [
      {
        file: AUDIENCE,
        find: '.filter(([group]) => served.includes(group));',
        replace: '.filter(([group]) => group !== "" && served !== undefined);',
      },
    ],
    found: /where it may show/,
  },
  {
    name: "a catalogue's own audience is forgotten",
    patches: [
      {
        file: AUDIENCE,
        find: 'heardOf(narrowed(ofCatalog, item.audience), served)',
        replace: 'heardOf(item.audience, served)',
      },
    ],
    found: /where it may show|did not take/,
  },
];

async function converge(name: string, patches: readonly Patch[]): Promise<string> {
  const { target } = copySource(name, patches, ['test/catalog']);
  try {
    const main = join(target, 'test/catalog/converge.js');
    const parameters = ['--enable-source-maps', main, String(SEED), String(ROUNDS)];
    const { stdout } = await promisify(execFile)(process.execPath, parameters);
    return (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { found: string }).found;
  } finally {
    remove(name);
  }
}

test(
  `the source as it is: nothing is found (seed ${SEED})`,
  async () => {
    expect(await converge('catalog', [])).toBe('nothing');
  },
  TIMEOUT_MS,
);

test.each(BUGS.map((bug, index) => ({ ...bug, index })))(
  `planted and found: $name (seed ${SEED})`,
  async ({ patches, found, index }) => {
    expect(await converge(`catalog-bug-${index}`, patches)).toMatch(found);
  },
  TIMEOUT_MS,
);
