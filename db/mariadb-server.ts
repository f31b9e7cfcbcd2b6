/** What a MariaDB or MySQL server says of itself: its time, what a site's user may do there, what is there. */
import mysql from 'mysql2/promise';
import { INDEXED_WORD_LENGTH_MAX, INDEXED_WORD_LENGTH_MIN } from '../domain/search';
import { CONNECT_TIMEOUT_MS, databaseName } from './mariadb';

/** What a site needs: to work, and to migrate. */
const RIGHTS_NEEDED = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'ALTER', 'INDEX', 'DROP'] as const;

export interface ServerCheckup {
  /** The server's clock, milliseconds UTC. */
  readonly now: number;
  readonly missingRights: readonly string[];
  /** Why searches would miss words; null when they do not. */
  readonly indexProblem: string | null;
}

/** Connects to a site's database and looks; throws the driver's error where that is not possible. */
export async function checkServer(url: string): Promise<ServerCheckup> {
  const connection = await mysql.createConnection({
    uri: url.replace(/^mariadb:/, 'mysql:'),
    connectTimeout: CONNECT_TIMEOUT_MS,
    decimalNumbers: true,
  });
  try {
    const [[time]] = (await connection.query('SELECT UNIX_TIMESTAMP(NOW(3)) * 1000 AS now')) as unknown as [
      { now: number }[],
    ];
    const [[lengths]] = (await connection.query(
      'SELECT @@innodb_ft_min_token_size AS shortest, @@innodb_ft_max_token_size AS longest',
    )) as unknown as [WordLengths[]];
    const [rows] = (await connection.query('SHOW GRANTS')) as unknown as [Record<string, string>[]];
    const grants = rows.flatMap((row) => Object.values(row));
    return {
      now: time?.now ?? 0,
      missingRights: missingRights(grants, databaseName(url)),
      indexProblem: lengths ? indexProblem(lengths) : null,
    };
  } finally {
    await connection.end();
  }
}

/** The words that the server's full-text indexes hold, in characters. */
interface WordLengths {
  readonly shortest: number;
  readonly longest: number;
}

export function indexProblem({ shortest, longest }: WordLengths): string | null {
  if (shortest <= INDEXED_WORD_LENGTH_MIN && longest >= INDEXED_WORD_LENGTH_MAX) return null;
  return (
    `the server indexes words of ${shortest} to ${longest} characters only, so that searches miss items: ` +
    `those of ${INDEXED_WORD_LENGTH_MIN} to ${INDEXED_WORD_LENGTH_MAX} are needed`
  );
}

/** Of the rights that a site needs on its database, those that the user's grants (lines of SHOW GRANTS) do not give. */
export function missingRights(grants: readonly string[], database: string): string[] {
  const given = new Set(grants.flatMap((grant) => rightsOn(grant, database)));
  return given.has('ALL PRIVILEGES') ? [] : RIGHTS_NEEDED.filter((right) => !given.has(right));
}

/** The rights that one line gives on the whole of the database. */
function rightsOn(grant: string, database: string): string[] {
  const match = /^GRANT (.+) ON (\*|`(?:[^`]|``)+`)\.\* TO /.exec(grant);
  if (!match) return [];
  const [, rights = '', scope = ''] = match;
  return scope === '*' || matches(scope.slice(1, -1).replaceAll('``', '`'), database) ? rights.split(', ') : [];
}

/** A grant's database is a pattern: "_" and "%" stand for one and any characters unless escaped. */
function matches(pattern: string, database: string): boolean {
  const source = pattern.replace(/\\?[\s\S]/g, (token) => {
    if (token === '%') return '.*';
    if (token === '_') return '.';
    return token.slice(-1).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 's').test(database);
}

/** True where a site could begin: no database of that name yet, or one without a table. */
export async function isEmptyMariadb(url: string): Promise<boolean> {
  const server = new URL(url);
  server.pathname = '/';
  const connection = await mysql.createConnection({ uri: server.toString(), connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    const [rows] = await connection.query('SELECT 1 FROM information_schema.tables WHERE table_schema = ? LIMIT 1', [
      databaseName(url),
    ]);
    return (rows as unknown[]).length === 0;
  } finally {
    await connection.end();
  }
}
