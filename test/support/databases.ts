/** A fresh migrated database of each engine for each test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { type Database, type Engine } from '../../db/database';
import { openDatabase } from '../../db/migrate';
import { MARIADB_URL } from './servers';
import { copyTemplate } from './template';

/** The engines that are there; MariaDB is missing on some laptops, never in CI. */
export function engines(): Engine[] {
  return process.env[MARIADB_URL] === undefined ? ['sqlite'] : ['sqlite', 'mariadb'];
}

export interface FreshDatabase {
  readonly db: Database;
  /** A file or a URL. */
  readonly location: string;
  drop(): Promise<void>;
}

let made = 0;

/** The place of a database that does not exist yet, and how to remove it. */
export function freshLocation(
  engine: Engine,
  { server = process.env[MARIADB_URL] ?? '', folder = tmpdir() }: { server?: string; folder?: string } = {},
): { location: string; remove: () => Promise<void> } {
  made++;
  if (engine === 'sqlite') {
    const own = mkdtempSync(join(folder, 'entrepot-sqlite-'));
    const remove = async () => rmSync(own, { recursive: true, force: true });
    return { location: join(own, 'site.sqlite'), remove };
  }
  const name = `entrepot_${process.pid}_${made}_${Math.random().toString(36).slice(2, 8)}`;
  return { location: server + name, remove: () => dropDatabase(engine, server + name) };
}

/** Removes what is in the database, and the database. */
export async function dropDatabase(engine: Engine, location: string): Promise<void> {
  if (engine === 'sqlite') {
    for (const end of ['', '-wal', '-shm']) rmSync(location + end, { force: true });
    return;
  }
  const slash = location.lastIndexOf('/');
  const connection = await mysql.createConnection({ uri: location.slice(0, slash + 1) });
  await connection.query(`DROP DATABASE IF EXISTS \`${location.slice(slash + 1)}\``);
  await connection.end();
}

export async function freshDatabase(engine: Engine): Promise<FreshDatabase> {
  const { location, remove } = freshLocation(engine);
  await copyTemplate(location);
  const db = openDatabase(location);
  return {
    db,
    location,
    async drop() {
      await db.close();
      await remove();
    },
  };
}
