/**
 * Which release runs on which schema (decision 0022). Names of migrations say what they do to a release that does not
 * know them: `0007-expand-NAME` only adds, and `0009-contract-after-0007-NAME` takes away what no release that knows
 * 0007 uses any more.
 */
const KIND = /^\d{4}-(?:expand|contract-after-(\d{4}))-./;
const FIRST_MIGRATION = '0001-first-schema';

export function isMigrationName(name: string): boolean {
  return name === FIRST_MIGRATION || KIND.test(name);
}

/** What a database has recorded beyond what a release knows. */
export function newerMigrations(known: readonly string[], recorded: readonly string[]): string[] {
  return recorded.filter((name) => !known.includes(name));
}

/** Why a release that knows `known` can't run on a database that recorded all of `recorded`; null when it can. */
export function schemaProblem(known: readonly string[], recorded: readonly string[]): string | null {
  const harmful = newerMigrations(known, recorded).find((name) => !isHarmless(name, known));
  if (harmful === undefined) return null;
  const after = KIND.exec(harmful)?.[1];
  const remedy = after === undefined ? 'the release that made it' : `a release that knows migration ${after}`;
  return (
    `the database's schema is newer than this release, which it does not fit: migration "${harmful}" is recorded, ` +
    `and this release knows none beyond "${known.at(-1)}". Run ${remedy}, or a later one`
  );
}

function isHarmless(name: string, known: readonly string[]): boolean {
  const kind = KIND.exec(name);
  if (!kind) return false;
  const after = kind[1];
  return after === undefined || known.some((mine) => mine.startsWith(`${after}-`));
}
