/** A site's configuration: one YAML file, environment over it, every mistake named with what is allowed instead. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { type StoreSettings } from '../activities/context';
import { isMariadbUrl } from '../db/migrate';
import { parseAmount } from '../domain/money';
import { withoutSecrets } from '../domain/redaction';
import { FIRST_EPOCH, type Topology } from '../domain/sites';
import { type Environment, type Override, applyEnvironment, isTree } from './config-environment';
import { type SiteConfig, type StoreConfig, configSchema } from './config-schema';

export { type SiteConfig, type SiteConfigInput, configSchema } from './config-schema';

/** The configuration can't be used; the message names file, key, value and what is allowed, one problem a line. */
export class ConfigError extends Error {
  constructor(
    readonly file: string,
    readonly problems: readonly string[],
    options?: ErrorOptions,
  ) {
    super([`${file} can't be used:`, ...problems.map((problem) => `  ${problem}`)].join('\n'), options);
  }
}

/** Reads and checks a site's file; relative paths in it are relative to its folder. */
export function loadConfig(file: string, environment: Environment = process.env): SiteConfig {
  const tree = readTree(file);
  let overrides: Override[];
  try {
    overrides = applyEnvironment(tree, environment);
  } catch (error) {
    throw new ConfigError(file, [error instanceof Error ? error.message : String(error)]);
  }
  const parsed = configSchema.safeParse(tree);
  if (!parsed.success) {
    throw new ConfigError(
      file,
      parsed.error.issues.map((issue) => describeIssue(issue, tree, overrides)),
    );
  }
  const problems = topologyProblems(parsed.data);
  if (problems.length > 0) throw new ConfigError(file, problems);
  return withAbsolutePaths(parsed.data, dirname(resolve(file)));
}

function readTree(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(file, [`the file can't be read: ${error instanceof Error ? error.message : String(error)}`], {
      cause: error,
    });
  }
  const document = parseDocument(text, { lineCounter: new LineCounter() });
  if (document.errors.length > 0) {
    throw new ConfigError(
      file,
      document.errors.map((error) => `not YAML: ${error.message.split('\n')[0]}`),
    );
  }
  const tree: unknown = document.toJS();
  if (!isTree(tree)) {
    throw new ConfigError(file, [`must hold keys and values; allowed: ${Object.keys(configSchema.shape).join(', ')}`]);
  }
  return tree;
}

function describeIssue(issue: z.core.$ZodIssue, tree: unknown, overrides: readonly Override[]): string {
  const path = issue.path.map(String);
  const from = overrides.find((override) => override.path.join('.') === path.join('.'));
  const at = `${path.join('.') || 'the file'}${from ? ` (from ${from.variable})` : ''}`;
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => [...path, key].join('.')).join(', ');
    return `unknown key ${keys}; allowed${path.length > 0 ? ` in ${path.join('.')}` : ''}: ${keysAllowedAt(path).join(', ')}`;
  }
  const value = valueAt(tree, path);
  if (value === undefined) return `${at} is missing: ${expectation(issue)}`;
  if (issue.code === 'invalid_key') return `${at}: the name ${issue.issues[0]?.message ?? 'is not allowed'}`;
  return `${at} is ${shownValue(path, value)}: ${expectation(issue)}`;
}

/** Anything under `sealing` may be a key in the wrong place, and so may what is nested. */
function shownValue(path: readonly string[], value: unknown): string {
  if (path.includes('apiKey') || (path.includes('sealing') && path.at(-1) !== 'current')) return '(not shown)';
  if (Array.isArray(value)) return 'a list';
  return isTree(value) ? `keys and values (${Object.keys(value).join(', ')})` : withoutSecrets(JSON.stringify(value));
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `allowed: ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_type') return `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
  if (issue.code === 'too_small' && issue.origin === 'number') return `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.origin === 'number') return `must be at most ${issue.maximum}`;
  if (issue.code === 'too_small' && issue.origin === 'array') return `must have at least ${issue.minimum} entry`;
  return issue.message;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text (in quotes where it looks like a number)',
  number: 'a number',
  int: 'a whole number',
  object: 'keys and values',
  record: 'keys and values',
  array: 'a list',
};

function valueAt(tree: unknown, path: readonly string[]): unknown {
  let value = tree;
  for (const part of path) {
    if (Array.isArray(value)) value = value[Number(part)] as unknown;
    else if (isTree(value)) value = value[part];
    else return undefined;
  }
  return value;
}

function keysAllowedAt(path: readonly string[]): string[] {
  let schema: unknown = configSchema;
  for (const part of path) schema = innerSchema(unwrapped(schema), part);
  const found = unwrapped(schema);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? unwrapped(schema.unwrap()) : schema;
}

function innerSchema(schema: unknown, part: string): unknown {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<string, unknown>)[part];
  if (schema instanceof z.ZodArray) return schema.element;
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return undefined;
}

/** What a schema can't say of a tree of sites. */
function topologyProblems(config: SiteConfig): string[] {
  return Object.entries(config.stores).flatMap(([name, { topology }]) => {
    const names = topology.sites.map((site) => site.site);
    const known = names.join(', ');
    const at = `stores.${name}.topology`;
    const problems: string[] = [];
    const twice = names.find((site, index) => names.indexOf(site) !== index);
    if (twice !== undefined) problems.push(`${at}.sites names "${twice}" twice`);
    if (!names.includes(config.site)) problems.push(`${at}.sites lacks this site, "${config.site}" (has: ${known})`);
    const primary = topology.sites.find((site) => site.site === topology.primary);
    if (!primary) problems.push(`${at}.primary is "${topology.primary}": allowed: ${known}`);
    else if (primary.role !== 'primary') problems.push(`${at}: "${primary.site}" is the primary: its role must say so`);
    for (const site of topology.sites) {
      if (site.parent !== null && !names.includes(site.parent)) {
        problems.push(`${at}: the parent of "${site.site}" is "${site.parent}": allowed: ${known}`);
      } else if (!leadsToRoot(topology, site.site)) {
        problems.push(`${at}: the parents of "${site.site}" do not lead to the primary, "${topology.primary}"`);
      }
    }
    return problems;
  });
}

function leadsToRoot(topology: StoreConfig['topology'], start: string): boolean {
  let at: string | null = start;
  for (let steps = 0; at !== null && steps <= topology.sites.length; steps++) {
    const parent: string | null = topology.sites.find((site) => site.site === at)?.parent ?? null;
    if (parent === null) return at === topology.primary;
    at = parent;
  }
  return false;
}

function withAbsolutePaths(config: SiteConfig, folder: string): SiteConfig {
  const { archiveDir } = config.documents;
  const { file } = config.log;
  const { tls } = config.temporal;
  return {
    ...config,
    database: isMariadbUrl(config.database) ? config.database : resolve(folder, config.database),
    documentsDir: resolve(folder, config.documentsDir),
    temporal: tls === undefined ? config.temporal : { ...config.temporal, tls: withAbsoluteFiles(tls, folder) },
    documents: archiveDir === undefined ? {} : { archiveDir: resolve(folder, archiveDir) },
    log: file === undefined ? { level: config.log.level } : { level: config.log.level, file: resolve(folder, file) },
  };
}

type TemporalTls = NonNullable<SiteConfig['temporal']['tls']>;
const TLS_FILES = ['caFile', 'certFile', 'keyFile'] as const;

function withAbsoluteFiles(tls: TemporalTls, folder: string): TemporalTls {
  const absolute = (file: string | undefined) => (file === undefined ? undefined : resolve(folder, file));
  return {
    ...tls,
    caFile: absolute(tls.caFile),
    certFile: absolute(tls.certFile),
    keyFile: absolute(tls.keyFile),
  };
}

/** Throws where a file that the configuration names can't be read: a site must not find that out by and by. */
export function requireFiles(config: SiteConfig, file: string): void {
  const { tls } = config.temporal;
  const problems = TLS_FILES.flatMap((key) => {
    const named = tls?.[key];
    try {
      if (named !== undefined) accessSync(named, constants.R_OK);
      return [];
    } catch (error) {
      return [`temporal.tls.${key} can't be read: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
  if (problems.length > 0) throw new ConfigError(file, problems);
}

/** The stores as the rest of a site process wants them. */
export function storeSettingsFrom(config: SiteConfig): ReadonlyMap<string, StoreSettings> {
  return new Map(Object.entries(config.stores).map(([store, settings]) => [store, settingsOf(store, settings)]));
}

function settingsOf(store: string, config: StoreConfig): StoreSettings {
  return {
    store,
    name: config.name,
    domain: config.domain,
    currency: config.currency,
    language: config.language,
    catalog: config.catalog,
    shippingMethods: config.shippingMethods.map((method) => ({ ...method, amount: checkedAmount(method.amount) })),
    tax: { description: config.tax.description, amount: checkedAmount(config.tax.amount) },
    priceChange: config.priceChange,
    inventory: config.inventory,
    sealing: {
      current: config.sealing.current,
      keys: new Map(Object.entries(config.sealing.keys).map(([id, key]) => [id, Buffer.from(key, 'base64')])),
    },
    configuredTopology: configuredTopology(store, config.topology),
  };
}

function checkedAmount(text: string): number {
  const amount = parseAmount(text);
  if (amount === null) throw new RangeError(`"${text}" passed the configuration's schema but is no amount`);
  return amount;
}

/** Epoch 1 and no incarnations yet: what a site serves with before the topology's authority has spoken. */
function configuredTopology(store: string, { primary, sites }: StoreConfig['topology']): Topology {
  return {
    store,
    version: 0,
    epoch: FIRST_EPOCH,
    primary,
    sites: sites.map((site) => ({ ...site, incarnation: 0 })),
  };
}
