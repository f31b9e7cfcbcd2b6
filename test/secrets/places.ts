/** Where the search goes: files, databases, histories, processes. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import Sqlite from 'better-sqlite3';
import { allRoutes } from '../../api/routes';
import { TEMPORAL_NAMESPACE } from '../support/servers';

/** Contents by the name of the place. */
export type Places = ReadonlyMap<string, readonly (Buffer | string)[]>;

export function filesOf(folder: string, form: RegExp): Map<string, Buffer[]> {
  const names = readdirSync(folder).filter((name) => form.test(name));
  return new Map(names.map((name) => [name, [readFileSync(join(folder, name))]]));
}

/** Temporal's database as its files have it, page by page, and as SQL reads it: a value may run over several pages. */
export function databaseOf(folder: string): Map<string, Buffer[]> {
  const copy = mkdtempSync(join(tmpdir(), 'entrepot-search-'));
  try {
    const files = ['temporal.sqlite', 'temporal.sqlite-wal'].filter((name) => existsSync(join(folder, name)));
    for (const name of files) copyFileSync(join(folder, name), join(copy, name));
    const raw = new Map(files.map((name) => [name, [readFileSync(join(copy, name))]]));
    return new Map([...raw, ['temporal.sqlite by SQL', valuesOf(join(copy, 'temporal.sqlite'))]]);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function valuesOf(file: string): Buffer[] {
  const db = new Sqlite(file);
  try {
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    return tables.flatMap(({ name }) =>
      db
        .prepare(`SELECT * FROM "${name}"`)
        .all()
        .flatMap((row) => Object.values(row as object).filter(isText))
        .map((value) => Buffer.from(value)),
    );
  } finally {
    db.close();
  }
}

function isText(value: unknown): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

/** Every workflow as the API tells it: description, whole history, and each payload on its own. */
export async function historiesOf(
  address: string,
): Promise<{ workflows: number; payloads: number; contents: Buffer[] }> {
  const connection = await Connection.connect({ address });
  const { workflowService } = connection;
  const namespace = TEMPORAL_NAMESPACE;
  try {
    const { executions } = await workflowService.listWorkflowExecutions({ namespace, pageSize: 1000 });
    const told: Buffer[] = [];
    const payloads: Buffer[] = [];
    for (const { execution = null } of executions) {
      const described = await workflowService.describeWorkflowExecution({ namespace, execution });
      told.push(Buffer.from(Described.encode(described).finish()));
      const { history } = await workflowService.getWorkflowExecutionHistory({
        ...{ namespace, execution, maximumPageSize: 10_000 },
      });
      told.push(Buffer.from(History.encode(history ?? {}).finish()));
      for (const bytes of bytesIn(history)) payloads.push(Buffer.from(bytes));
    }
    return { workflows: executions.length, payloads: payloads.length, contents: [...told, ...payloads] };
  } finally {
    await connection.close();
  }
}

const { History } = temporal.api.history.v1;
const Described = temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse;

function* bytesIn(value: unknown): Generator<Uint8Array> {
  if (value instanceof Uint8Array) yield value;
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) yield* bytesIn(inner);
}

/** What a site shows to anyone, and to those who watch it: every page that is about the system and not about an order. */
export async function pagesOf({
  url,
  store,
  key,
}: {
  url: string;
  store: string;
  key: string;
}): Promise<Map<string, string[]>> {
  const about = allRoutes.filter(
    ({ method, roles, path }) =>
      method === 'get' && (roles.length === 0 || WATCHED.test(path)) && !/\{(?!store)/.test(path),
  );
  const paths = ['/openapi.json', ...about.map(({ path }) => path.replace('{store}', store))];
  const pages = new Map<string, string[]>();
  for (const path of paths) {
    const answer = await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${key}` } });
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}`);
    pages.set(path, [await answer.text()]);
  }
  return pages;
}

const WATCHED = /metrics|status|topology|workflows|keys|transfers/;

/** The command lines of everything that runs on this machine, where the system shows them. */
export function commandLines(): string[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(join('/proc', pid, 'cmdline'), 'utf8')];
      } catch {
        return []; // It has ended meanwhile.
      }
    });
}
