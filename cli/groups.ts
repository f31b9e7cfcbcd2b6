/** `entrepot groups …`, `entrepot catalog audience`: who may see what, and which sites have it. */
import { ApiClient } from './api-client';
import { type CatalogOptions } from './catalog';
import { print, printJson, printList } from './output';
import { resolveTarget } from './target';
import { type TargetOptions } from './target-options';

interface Group {
  readonly group: string;
  readonly id: string;
}

interface Served {
  readonly groups: readonly Group[];
  readonly pushes?: readonly string[];
}

function client(options: TargetOptions): ApiClient {
  return new ApiClient(resolveTarget(options).target);
}

export async function runGroupsList(options: TargetOptions): Promise<void> {
  const { items } = (await client(options).store<{ items: readonly Group[] }>('/groups')).body;
  printGroups(options, items, 'no user groups: `entrepot groups add <name>` makes one');
}

export async function runGroupsAdd(name: string, options: TargetOptions): Promise<void> {
  const path = `/groups/${encodeURIComponent(name)}`;
  const { body } = await client(options).store<Group>(path, { method: 'PUT' });
  if (options.json) printJson(body);
  else print(`user group ${body.group} is ${body.id} everywhere but at the primary`);
}

export async function runGroupsServed(site: string, options: TargetOptions): Promise<void> {
  const { body } = await client(options).store<Served>(servedPath(site));
  if (options.json) printJson(body);
  else printGroups(options, body.groups, `${site} serves no user group`);
}

export async function runGroupsServe(site: string, groups: readonly string[], options: TargetOptions): Promise<void> {
  const { body } = await client(options).store<Served>(servedPath(site), { method: 'PUT', body: { groups } });
  tell(options, body, `${site} serves ${describe(body.groups, 'no user group')}`);
}

export async function runCatalogAudience(groups: readonly string[], options: CatalogOptions): Promise<void> {
  const path = `/catalogs/${encodeURIComponent(options.catalog)}/audience`;
  const { body } = await client(options).store<Served>(path, { method: 'PUT', body: { groups } });
  tell(options, body, `catalogue ${options.catalog} is for ${describe(body.groups, 'everyone')}`);
}

function servedPath(site: string): string {
  return `/sites/${encodeURIComponent(site)}/groups`;
}

function describe(groups: readonly Group[], none: string): string {
  return groups.length === 0 ? none : groups.map(({ group }) => group).join(', ');
}

function tell(options: TargetOptions, served: Served, what: string): void {
  if (options.json) printJson(served);
  else print([what, ...(served.pushes ?? []).map((push) => `  the sites are told by ${push}`)].join('\n'));
}

function printGroups(options: TargetOptions, groups: readonly Group[], none: string): void {
  printList(
    options.json,
    groups,
    ['group', 'id'],
    groups.map(({ group, id }) => [group, id]),
    none,
  );
}
