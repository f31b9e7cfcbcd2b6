import { z } from 'zod';
import { type ApiKey, KEY_ROLES, addKey, findKey, listKeys, makeKey, revokeKey, rotateKey } from '../db/api-keys';
import { groupListSchema, requireGroups } from './groups';
import { Problem, notFound } from './problems';
import { type Route, route } from './route';
import { nameSchema, noBody, noQuery, pageOf, pageQuery, storeParams, time, timeOrNull } from './schemas';

/** Longest label of a key, characters. */
const LABEL_LENGTH_MAX = 100;
/** How long the old key of a rotation stays good unless the rotation says otherwise, and at most, seconds. */
const OVERLAP_DEFAULT_S = 24 * 3600;
const OVERLAP_MAX_S = 30 * 24 * 3600;

const keySchema = z
  .object({
    keyId: z.string(),
    role: z.enum(KEY_ROLES),
    site: z.string().nullable(),
    label: z.string(),
    groups: z.array(z.string()).describe('User groups whose items it may see, by their ids.'),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    revokedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'ApiKey' });

function shown(key: ApiKey): z.output<typeof keySchema> {
  const { keyId, role, site, label } = key;
  return {
    ...{ keyId, role, site, label, groups: [...key.groups] },
    createdAt: time(key.createdAt),
    expiresAt: timeOrNull(key.expiresAt),
    revokedAt: timeOrNull(key.revokedAt),
  };
}

const keyParams = z.strictObject({ store: nameSchema, keyId: z.string().max(36) });
// Not idempotent: the answer of an Idempotency-Key is kept, and a secret may be kept nowhere.
const newKeySchema = keySchema.extend({ key: z.string().describe('Shown once: only its hash is kept.') });

export const keyRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/stores/{store}/keys',
    tag: 'keys',
    operationId: 'createKey',
    summary: 'A new API key for this site; its text is shown once',
    roles: ['operator'],
    params: storeParams,
    query: noQuery,
    body: z.strictObject({
      role: z.enum(KEY_ROLES),
      site: nameSchema.nullable().default(null).describe('Only for this site; null for every site of the store.'),
      label: z.string().min(1).max(LABEL_LENGTH_MAX).meta({ example: 'web shop' }),
      groups: groupListSchema.default([]).describe('User groups whose items it may see.'),
      expiresAt: z.iso.datetime().nullable().default(null),
    }),
    idempotent: false,
    responses: {
      201: { description: 'The key.', schema: newKeySchema },
      422: { description: 'A group is not known.' },
    },
    handle: async ({ context, store, body }) => {
      const { db, runtime } = context;
      const key = makeKey(runtime.random);
      const expiresAt = body.expiresAt === null ? null : Date.parse(body.expiresAt);
      const { role, site, label } = body;
      const groups = await requireGroups(db, store.store, body.groups);
      const added = await db.transaction((tx) =>
        addKey(tx, { store: store.store, key, role, site, label, groups, expiresAt, now: runtime.clock.now() }),
      );
      return { status: 201, body: { ...shown(added), key } };
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/keys',
    tag: 'keys',
    operationId: 'listKeys',
    summary: 'The API keys of this site, without their secrets',
    roles: ['operator'],
    params: storeParams,
    query: pageQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'A page of keys.', schema: pageOf(keySchema) } },
    handle: async ({ context, store, query }) => {
      const keys = await listKeys(context.db, store.store, query.limit, query.after);
      const next = keys.length === query.limit ? (keys.at(-1)?.keyId ?? null) : null;
      return { status: 200, body: { items: keys.map(shown), next } };
    },
  }),
  route({
    method: 'post',
    path: '/v1/stores/{store}/keys/{keyId}/rotations',
    tag: 'keys',
    operationId: 'rotateKey',
    summary: 'A new key in place of this one, which stays good for the overlap and then ends',
    roles: ['operator'],
    params: keyParams,
    query: noQuery,
    body: z
      .strictObject({
        overlapSeconds: z
          .number()
          .int()
          .min(0)
          .max(OVERLAP_MAX_S)
          .optional()
          .describe(`How long the old key stays good; ${OVERLAP_DEFAULT_S} unless given.`)
          .meta({ example: 3600 }),
        expiresAt: z.iso
          .datetime()
          .nullable()
          .optional()
          .describe('When the new key ends; null for never; with the old one unless given.'),
      })
      .optional(),
    idempotent: false,
    responses: {
      201: {
        description: 'The new key: same role, site, label and groups.',
        schema: newKeySchema.extend({ replaces: keySchema }),
      },
      404: { description: 'No such key.' },
      409: { description: 'The key is revoked or expired: make a new one.' },
    },
    handle: async ({ context, store, params, body }) => {
      const { db, runtime, site } = context;
      const now = runtime.clock.now();
      const key = makeKey(runtime.random);
      const rotated = await db.transaction((tx) =>
        rotateKey(tx, {
          ...{ store: store.store, keyId: params.keyId, key, now },
          oldExpiresAt: now + (body?.overlapSeconds ?? OVERLAP_DEFAULT_S) * 1000,
          newExpiresAt: typeof body?.expiresAt === 'string' ? Date.parse(body.expiresAt) : body?.expiresAt,
        }),
      );
      if (rotated) return { status: 201, body: { ...shown(rotated.added), key, replaces: shown(rotated.old) } };
      const known = await findKey(db, store.store, params.keyId);
      if (!known) throw notFound(`no key "${params.keyId}" of store "${store.store}" at site "${site}"`);
      throw new Problem(409, 'key-not-in-force', `key "${params.keyId}" is revoked or expired: make a new one`);
    },
  }),
  route({
    method: 'delete',
    path: '/v1/stores/{store}/keys/{keyId}',
    tag: 'keys',
    operationId: 'revokeKey',
    summary: 'Revoke a key; it stops within seconds',
    roles: ['operator'],
    params: keyParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 204: { description: 'Revoked.' }, 404: { description: 'No such key.' } },
    handle: async ({ context, store, params }) => {
      const { db, runtime } = context;
      const revoked = await db.transaction((tx) => revokeKey(tx, store.store, params.keyId, runtime.clock.now()));
      if (!revoked) throw notFound(`no key "${params.keyId}" of store "${store.store}" at site "${context.site}"`);
      return { status: 204 };
    },
  }),
];
