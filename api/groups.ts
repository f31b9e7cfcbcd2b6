/** User groups: their names at the primary, which sites serve them, and catalogues that are for some of them only. */
import { z } from 'zod';
import { nameGroup, serveSite, setAudience } from '../activities/catalog/groups';
import { groupNames, groupsServed, listGroups } from '../db/catalog/groups';
import { type Statements } from '../db/database';
import { loadTopology } from '../db/topology';
import { GROUPS_MAX, GROUP_ID_PATTERN, type GroupNames } from '../domain/audience';
import { RESERVED_GROUPS } from '../domain/catalog-import';
import { catalogParams } from './catalog-schemas';
import { AT_THE_PRIMARY, requirePrimaryHere } from './primary';
import { Problem, notFound } from './problems';
import { STAFF, type Route, route } from './route';
import { nameSchema, noBody, noQuery, pageOf, storeParams } from './schemas';

const groupSchema = z
  .object({
    group: z.string().meta({ example: 'gold' }),
    id: z.string().describe('Its name everywhere but at the primary.').meta({ example: 'gabcdefgh' }),
  })
  .meta({ id: 'UserGroup' });

export const groupListSchema = z.array(z.string().min(1).max(32).meta({ example: 'gold' })).max(GROUPS_MAX);

const groupsBody = z.strictObject({
  groups: groupListSchema.describe('All of them, by name or id; those left out lose what they had.'),
});

const servedSchema = z
  .object({
    site: z.string(),
    groups: z.array(groupSchema),
    pushes: z.array(z.string()).describe('The workflows that bring the site what it may see now.'),
  })
  .meta({ id: 'GroupsServed' });

const UNKNOWN_GROUP = { 422: { description: 'A group is not known.' } };

/** The ids of groups by name or id; elsewhere than at the primary, which alone knows the names, ids are taken as they are. */
export async function requireGroups(reads: Statements, store: string, groups: readonly string[]): Promise<string[]> {
  if (groups.length === 0) return [];
  const { topology, site } = await loadTopology(reads, store);
  const names = await groupNames(reads, store);
  return groups.map((group) => {
    const id = names.idOf(group) ?? (site !== topology.primary && GROUP_ID_PATTERN.test(group) ? group : undefined);
    if (id !== undefined) return id;
    const way =
      site === topology.primary
        ? `${names.describe()}; PUT …/groups/${group} makes it one`
        : `only "${topology.primary}" knows names: give the id that GET …/groups shows there`;
    throw new Problem(422, 'unknown-group', `there is no user group "${group}": ${way}`);
  });
}

function shownGroups(ids: readonly string[], names: GroupNames): z.output<typeof groupSchema>[] {
  return ids.map((id) => ({ group: names.nameOf(id), id }));
}

export const groupRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/stores/{store}/groups',
    tag: 'catalog',
    operationId: 'listGroups',
    summary: 'The user groups of the store; only the primary knows them by name',
    roles: STAFF,
    params: storeParams,
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'All groups, by name.', schema: pageOf(groupSchema) }, ...AT_THE_PRIMARY },
    handle: async (request) => {
      await requirePrimaryHere(request);
      const { context, store } = request;
      const groups = await listGroups(context.db, store.store);
      return { status: 200, body: { items: groups.map(({ id, name }) => ({ group: name, id })), next: null } };
    },
  }),
  route({
    method: 'put',
    path: '/v1/stores/{store}/groups/{group}',
    tag: 'catalog',
    operationId: 'nameGroup',
    summary: 'A user group of that name; one that is there stays as it is',
    roles: STAFF,
    params: storeParams.extend({
      group: nameSchema.refine(
        (name) => !RESERVED_GROUPS.includes(name),
        `must be none of ${RESERVED_GROUPS.join(', ')}`,
      ),
    }),
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'The group and its id.', schema: groupSchema }, ...AT_THE_PRIMARY },
    handle: async (request) => {
      const { epoch } = await requirePrimaryHere(request);
      const { context, store, params } = request;
      const { id } = await nameGroup(context, { store: store.store, epoch, name: params.group });
      return { status: 200, body: { group: params.group, id } };
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores/{store}/sites/{site}/groups',
    tag: 'catalog',
    operationId: 'listGroupsServed',
    summary: 'The user groups that a site serves, as far as this site was told',
    roles: STAFF,
    params: storeParams.extend({ site: nameSchema }),
    query: noQuery,
    body: noBody,
    idempotent: false,
    responses: { 200: { description: 'Its groups.', schema: servedSchema.omit({ pushes: true }) } },
    handle: async ({ context, store, params }) => {
      const ids = (await groupsServed(context.db, store.store)).get(params.site) ?? [];
      const groups = shownGroups(ids, await groupNames(context.db, store.store));
      return { status: 200, body: { site: params.site, groups } };
    },
  }),
  route({
    method: 'put',
    path: '/v1/stores/{store}/sites/{site}/groups',
    tag: 'catalog',
    operationId: 'serveGroups',
    summary: 'Let a site serve these user groups and no others: it gets their items and prices, and loses the rest',
    roles: ['operator'],
    params: storeParams.extend({ site: nameSchema }),
    query: noQuery,
    body: groupsBody,
    idempotent: false,
    responses: {
      200: { description: 'What it serves from here on.', schema: servedSchema },
      404: { description: 'No such site.' },
      ...AT_THE_PRIMARY,
      ...UNKNOWN_GROUP,
    },
    handle: async (request) => {
      const topology = await requirePrimaryHere(request);
      const { context, store, params, body } = request;
      const { site } = params;
      if (!topology.sites.some((known) => known.site === site) || site === topology.primary) {
        const others = topology.sites.filter((known) => known.site !== topology.primary).map((known) => known.site);
        throw notFound(`no site "${site}" below the primary: ${others.join(', ')} are; the primary serves every group`);
      }
      const groups = await requireGroups(context.db, store.store, body.groups);
      const pushes = await serveSite(context, { store: store.store, epoch: topology.epoch, site, groups });
      const shown = shownGroups(groups, await groupNames(context.db, store.store));
      return { status: 200, body: { site, groups: shown, pushes } };
    },
  }),
  route({
    method: 'put',
    path: '/v1/stores/{store}/catalogs/{catalog}/audience',
    tag: 'catalog',
    operationId: 'setCatalogAudience',
    summary: 'Let only these user groups see a catalogue; none: everyone. It holds at once, as a revision of its own',
    roles: ['operator'],
    params: catalogParams,
    query: noQuery,
    body: groupsBody,
    idempotent: false,
    responses: {
      200: {
        description: 'Whom it is for, and the workflow that tells the sites.',
        schema: z.object({ groups: z.array(groupSchema), pushes: z.array(z.string()) }),
      },
      ...AT_THE_PRIMARY,
      ...UNKNOWN_GROUP,
    },
    handle: async (request) => {
      const { epoch } = await requirePrimaryHere(request);
      const { context, store, params, body } = request;
      const groups = await requireGroups(context.db, store.store, body.groups);
      const pushes = await setAudience(context, { store: store.store, epoch, catalog: params.catalog, groups });
      return { status: 200, body: { groups: shownGroups(groups, await groupNames(context.db, store.store)), pushes } };
    },
  }),
];
