/**
 * Environment over the configuration file: `ENTREPOT_` and the key's path in capitals, camelCase split with "_":
 * `ENTREPOT_LISTEN_PORT` is listen.port, `ENTREPOT_STORES_SHOP_SEALING_CURRENT` is stores.shop.sealing.current.
 * Lists (shippingMethods, topology.sites) stand in the file only.
 */
const SITE_PATHS = [
  'site',
  'listen.host',
  'listen.port',
  'url',
  'database',
  'documentsDir',
  'temporal.address',
  'temporal.namespace',
  'temporal.uiUrl',
  'temporal.tls.caFile',
  'temporal.tls.certFile',
  'temporal.tls.keyFile',
  'temporal.tls.serverName',
  'temporal.apiKey',
  'documents.archiveDir',
  'log.level',
  'log.file',
  'telemetry.otlpEndpoint',
  'telemetry.sampleRatio',
] as const;

const STORE_PATHS = [
  'name',
  'domain',
  'currency',
  'language',
  'catalog',
  'priceChange',
  'tax.description',
  'tax.amount',
  'sealing.current',
  'topology.primary',
] as const;

/** Where a misspelt variable is surely meant for this file; `ENTREPOT_` alone is shared with the command line. */
const SECTIONS = /^ENTREPOT_(LISTEN|STORES|LOG|TELEMETRY)_/;
const NUMBERS: ReadonlySet<string> = new Set(['listen.port', 'telemetry.sampleRatio']);

export type Environment = Readonly<Record<string, string | undefined>>;
type Tree = Record<string, unknown>;

/** `listen.port` → `ENTREPOT_LISTEN_PORT`. */
export function environmentName(path: readonly string[]): string {
  return ['ENTREPOT', ...path]
    .map((part) => part.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll(/[^A-Za-z0-9]/g, '_'))
    .join('_')
    .toUpperCase();
}

function pathsFor(file: Tree): string[][] {
  const paths: string[][] = SITE_PATHS.map((path) => path.split('.'));
  for (const [name, store] of Object.entries(isTree(file['stores']) ? file['stores'] : {})) {
    paths.push(...STORE_PATHS.map((path) => ['stores', name, ...path.split('.')]));
    const sealing = isTree(store) ? store['sealing'] : undefined;
    const keys = isTree(sealing) && isTree(sealing['keys']) ? Object.keys(sealing['keys']) : [];
    paths.push(...keys.map((key) => ['stores', name, 'sealing', 'keys', key]));
  }
  return paths;
}

/** The variables that would be read beside this file. */
export function environmentNames(file: unknown): string[] {
  return pathsFor(isTree(file) ? file : {}).map(environmentName);
}

export interface Override {
  readonly path: readonly string[];
  readonly variable: string;
}

/** Writes the environment's values into `file` (in place); throws on a variable that is surely a slip. */
export function applyEnvironment(file: Tree, environment: Environment): Override[] {
  const paths = new Map(pathsFor(file).map((path) => [environmentName(path), path]));
  for (const variable of Object.keys(environment)) {
    if (SECTIONS.test(variable) && !paths.has(variable)) {
      throw new Error(`environment variable ${variable} names no key; allowed: ${[...paths.keys()].join(', ')}`);
    }
  }
  const overrides: Override[] = [];
  for (const [variable, path] of paths) {
    const value = environment[variable];
    if (value === undefined || value === '') continue;
    write(file, path, NUMBERS.has(path.join('.')) && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value);
    overrides.push({ path, variable });
  }
  return overrides;
}

function write(tree: Tree, path: readonly string[], value: string | number): void {
  let node = tree;
  for (const part of path.slice(0, -1)) {
    const next = node[part];
    if (isTree(next)) node = next;
    else node = node[part] = {} as Tree;
  }
  node[path.at(-1) as string] = value;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
