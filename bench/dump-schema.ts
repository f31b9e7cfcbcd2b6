/** `npm run schema`: writes db/schema.sql from what the migrations make. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openDatabase } from '../db/migrate';
import { dumpSchema } from '../db/schema';
import { PACKAGE_ROOT } from '../workers/package-root';

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-schema-'));
  const file = join(folder, 'schema.sqlite');
  await migrate(file);
  const db = openDatabase(file);
  writeFileSync(join(PACKAGE_ROOT, 'db', 'schema.sql'), await dumpSchema(db));
  await db.close();
  rmSync(folder, { recursive: true, force: true });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
