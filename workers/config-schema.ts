/** What a site's configuration file may say. Every key is listed here; anything else is an error. */
import { z } from 'zod';
import { SEALING_KEY_BYTES } from '../activities/sealing';
import { isMariadbUrl } from '../db/migrate';
import { NOTHING_CENTRAL, POLICY_DEFAULTS, SHARING_RULES } from '../domain/inventory';
import { isCurrency, parseAmount } from '../domain/money';
import { LINE_QUANTITY_MAX } from '../domain/orders';
import { NAME_PATTERN, SITE_ROLES } from '../domain/sites';

const PORT_MAX = 65_535;
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const text = z.string().min(1, 'must not be empty');
const name = z
  .string()
  .regex(NAME_PATTERN, 'must be 1 to 32 of a-z, 0-9 and "-", beginning with a letter, for example "north"');
const currency = z.string().refine(isCurrency, 'must be a currency of ISO 4217, for example "GBP"');
const amount = z.string().refine((value) => parseAmount(value) !== null, {
  error: 'must be a decimal of at most four places in quotes, for example "3.50"',
});
const language = z.string().refine(isLanguage, 'must be a language of BCP 47, for example "en" or "en-GB"');
const baseUrl = z
  .string()
  .refine(isHttpUrl, 'must be an http:// or https:// URL without a password, for example "http://127.0.0.1:4600"')
  .transform((url) => url.replace(/\/+$/, ''));
const sealingKey = z.string().refine((value) => Buffer.from(value, 'base64').length === SEALING_KEY_BYTES, {
  error: `must be ${SEALING_KEY_BYTES} bytes as base64: make one with "openssl rand -base64 ${SEALING_KEY_BYTES}"`,
});

function isLanguage(value: string): boolean {
  try {
    return Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
}

/** Sites tell each other their URLs through Temporal, so there is no place for a password in one. */
function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/** A password with a "/" or "@" in it makes another URL than was meant. */
function isDatabaseLocation(value: string): boolean {
  if (!/^\w+:\/\//.test(value)) return true;
  return isMariadbUrl(value) && URL.canParse(value) && /^\/[^/@]+$/.test(new URL(value).pathname);
}

const shippingMethod = z.strictObject({ code: text, description: text, amount });

const sealing = z
  .strictObject({ current: text, keys: z.record(text, sealingKey) })
  .refine(({ current, keys }) => Object.hasOwn(keys, current), {
    path: ['current'],
    error: ({ input }) => {
      const { current, keys } = input as { current: string; keys: object };
      return `names the key "${current}", which is not among "keys" (${Object.keys(keys).join(', ')})`;
    },
  });

const topologySite = z.strictObject({
  site: name,
  role: z.enum(SITE_ROLES),
  /** Absent or null for the root of the tree. */
  parent: name.nullable().default(null),
  url: baseUrl,
});

const topology = z.strictObject({ primary: name, sites: z.array(topologySite).min(1) });

/** How long a buyer may be let wait for other sites, milliseconds. */
const BORROWING_WAIT_MAX_MS = 10_000;

const borrowing = z.strictObject({
  /** 0: an order that is short asks nobody. */
  waitMs: z.number().int().min(0).max(BORROWING_WAIT_MAX_MS).default(1_500),
  refill: z.boolean().default(true),
});

const { demand: DEMAND_DEFAULTS, ...VALUE_DEFAULTS } = POLICY_DEFAULTS;
const days = z.number().positive('must be more than 0 days');
const lines = z.number().nonnegative('must not be negative');
const share = z.number().min(0).lt(1, 'must be less than 1');
const weight = z.number().nonnegative('must not be negative');

/** Units and meaning of each: domain/inventory/parameters.ts. */
const policy = z.strictObject({
  demand: z
    .strictObject({
      memoryDays: days.default(DEMAND_DEFAULTS.memoryDays),
      sizePriorLines: lines.default(DEMAND_DEFAULTS.sizePriorLines),
      sitePriorLines: lines.default(DEMAND_DEFAULTS.sitePriorLines),
      newItemLines: lines.default(DEMAND_DEFAULTS.newItemLines),
    })
    .default(DEMAND_DEFAULTS),
  horizonDays: days.default(VALUE_DEFAULTS.horizonDays),
  valueFloor: share.default(VALUE_DEFAULTS.valueFloor),
  cutShare: share.default(VALUE_DEFAULTS.cutShare),
  poolReachWeight: weight.default(VALUE_DEFAULTS.poolReachWeight),
  poolCoverWeight: weight.default(VALUE_DEFAULTS.poolCoverWeight),
});

/** How the pool is shared out where the request does not say. */
const allocation = z
  .strictObject({
    by: z.enum(SHARING_RULES).default('equal'),
    /** By site: its part; only the proportions count. */
    shares: z.record(name, z.number().nonnegative('must not be negative')).default({}),
  })
  .refine(({ by, shares }) => by !== 'shares' || Object.values(shares).some((part) => part > 0), {
    path: ['shares'],
    error: 'must give at least one site a part where "by" is "shares", for example { north: 2, south: 1 }',
  });

/** Longest time between two looks for short items, minutes. */
const REPLENISHMENT_MINUTES_MAX = 7 * 24 * 60;

const threshold = z.union(
  [
    z.strictObject({ units: z.number().int().min(0).max(LINE_QUANTITY_MAX) }),
    z.strictObject({ percentage: z.number().min(0).max(100) }),
    z.strictObject({ days: z.number().min(0) }),
    z.strictObject({ value: share }),
  ],
  { error: 'must be one of { units }, { percentage } (0 to 100), { days } and { value } (0 to below 1)' },
);

const replenishment = z.strictObject({
  /** 0: nobody looks by itself. */
  everyMinutes: z.number().min(0).max(REPLENISHMENT_MINUTES_MAX).default(0),
  threshold: threshold.optional(),
  refillTo: threshold.optional(),
  substitutes: z.record(text, z.array(text).min(1)).default({}),
});

/** Items that may be named one by one. */
const CENTRAL_ITEMS_MAX = 1_000;
/** A reservation may be kept this long, minutes. */
const RESERVATION_MINUTES_MAX = 24 * 60;

const central = z.strictObject({
  items: z
    .union([z.enum(['none', 'all']), z.array(text).min(1).max(CENTRAL_ITEMS_MAX)], {
      error: `must be none, all, or a list of at most ${CENTRAL_ITEMS_MAX} skus`,
    })
    .default('none'),
  emergencyUnits: z.number().int().min(0).max(LINE_QUANTITY_MAX).default(NOTHING_CENTRAL.emergencyUnits),
  reservationMinutes: z.number().min(1).max(RESERVATION_MINUTES_MAX).default(NOTHING_CENTRAL.reservationMinutes),
});

/** How stock is moved between a store's sites. */
const inventory = z
  .strictObject({
    borrowing: borrowing.prefault({}),
    /** Units of an item that a site keeps when another gets some of it and no buyer waits. */
    giverFloor: z.number().int().min(0).default(1),
    policy: policy.default(POLICY_DEFAULTS),
    allocation: allocation.prefault({}),
    replenishment: replenishment.prefault({}),
    central: central.prefault({}),
  })
  .refine(({ central: { items }, borrowing: { waitMs } }) => items === 'none' || waitMs > 0, {
    path: ['borrowing', 'waitMs'],
    error: 'must be more than 0 where "central.items" names any: their orders ask the primary',
  })
  .refine(
    ({ central: { emergencyUnits }, replenishment: { everyMinutes } }) => emergencyUnits === 0 || everyMinutes > 0,
    {
      path: ['replenishment', 'everyMinutes'],
      error: 'must be more than 0 where "central.emergencyUnits" is: it is a look for short items that fetches them',
    },
  );

const store = z.strictObject({
  /** As buyers see it. */
  name: text,
  /** Internet domain: the right side of payloadIDs. */
  domain: z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i, 'must be an Internet domain, for example "shop.example"'),
  currency,
  language: language.default('en'),
  catalog: name.default('main'),
  shippingMethods: z.array(shippingMethod).min(1),
  tax: z.strictObject({ description: text, amount }).default({ description: 'Tax', amount: '0.00' }),
  priceChange: z.enum(['refuse', 'honour']).default('refuse'),
  inventory: inventory.prefault({}),
  sealing,
  topology,
});

const temporalTls = z
  .strictObject({
    /** Certificate authorities that the server's certificate must come from; absent: the system's. */
    caFile: text.optional(),
    /** This site's own certificate and key, where the server asks for them (mutual TLS). */
    certFile: text.optional(),
    keyFile: text.optional(),
    /** The name in the server's certificate, where it is not the address's. */
    serverName: text.optional(),
  })
  .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
    error: 'must have both certFile and keyFile, or neither',
  });

const temporal = z.strictObject({
  address: z.string().regex(/^[^\s/]+:\d{1,5}$/, 'must be host:port, for example "127.0.0.1:7233"'),
  namespace: text.default('default'),
  uiUrl: baseUrl.default('http://127.0.0.1:8233'),
  /** Absent: in clear, unless there is an API key. */
  tls: temporalTls.optional(),
  /** Of Temporal Cloud, for example. */
  apiKey: text.optional(),
});

export const configSchema = z.strictObject({
  site: name,
  listen: z.strictObject({
    host: text.default('127.0.0.1'),
    /** 0 for any free one. */
    port: z.number().int().min(0).max(PORT_MAX),
  }),
  /** Where buyers and other sites reach this site's API. */
  url: baseUrl,
  /** A file of SQLite, relative to the configuration file, or a mysql:// URL. */
  database: text.refine(
    isDatabaseLocation,
    'must be a file, or mysql://user:password@host:port/name with what is special in the password percent-encoded',
  ),
  /** For catalogue documents, which can be made again. */
  documentsDir: text,
  temporal,
  stores: z.record(name, store).refine((stores) => Object.keys(stores).length > 0, 'must name at least one store'),
  documents: z.strictObject({ archiveDir: text.optional() }).default({}),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).default('info'), file: text.optional() }).default({ level: 'info' }),
  telemetry: z
    .strictObject({
      /** Of an OTLP receiver, without /v1/traces; absent: nothing is recorded. */
      otlpEndpoint: baseUrl.optional(),
      /** Of the traces that begin here, the part that is recorded. */
      sampleRatio: z.number().min(0).max(1).default(1),
    })
    .default({ sampleRatio: 1 }),
});

/** As it stands in the file, before defaults. */
export type SiteConfigInput = z.input<typeof configSchema>;
/** Checked, with defaults filled in and paths made absolute. */
export type SiteConfig = z.output<typeof configSchema>;
export type StoreConfig = SiteConfig['stores'][string];
