/** `entrepot audit`: the invariants, on live databases. */
import { type AuditResult, type Violation, auditStore, recordAudit } from '../db/audit';
import { type OpenSite, siteConfigs, withDatabases } from './databases';
import { failed } from './exit-codes';
import { formatCount, formatTable, print, printJson } from './output';

export async function runAudit(
  files: string[],
  options: { data: string; json?: boolean; record?: boolean },
): Promise<void> {
  const configs = siteConfigs(files, options.data);
  const stores = [...new Set(configs.flatMap((config) => Object.keys(config.stores)))];
  const results = await withDatabases(configs, async (sites) => {
    const audited: (AuditResult & { store: string })[] = [];
    for (const store of stores) {
      const chosen = auditedSites(sites, store);
      const result = await auditStore(chosen, store);
      if (options.record) await recordAudit(chosen, store, result.violationsBySite, Date.now());
      audited.push({ store, ...result });
    }
    return audited;
  });
  if (options.json) printJson(results);
  else for (const result of results) print(describeResult(result));
  const violations = results.reduce(
    (sum, result) => sum + (result.counts['violations'] ?? result.violations.length),
    0,
  );
  if (violations > 0) throw failed(`the audit found ${formatCount(violations)} violations`);
}

/** What the audit of one store looked at and found, for people. */
export async function auditReport(
  store: string,
  sites: readonly OpenSite[],
): Promise<{ text: string; clean: boolean }> {
  const result = await auditStore(auditedSites(sites, store), store);
  return { text: describeResult({ store, ...result }), clean: result.violations.length === 0 };
}

/** The audit's violations in sentences; none when all is well. */
export async function auditProblems(store: string, sites: readonly OpenSite[]): Promise<string[]> {
  return (await auditStore(auditedSites(sites, store), store)).violations.map(describeViolation);
}

function auditedSites(sites: readonly OpenSite[], store: string): { site: string; db: OpenSite['db'] }[] {
  return sites
    .filter(({ config }) => Object.hasOwn(config.stores, store))
    .map(({ config, db }) => ({ site: config.site, db }));
}

function describeViolation({ rule, site, subject, expected, found, explanation }: Violation): string {
  return `${rule}: ${subject} at ${site}: expected ${expected}, found ${found}. ${explanation}`;
}

function describeResult({ store, violations, counts }: AuditResult & { store: string }): string {
  const looked = Object.entries(counts).map(([what, count]) => `${what} ${formatCount(count)}`);
  const heading = `store ${store}: ${looked.join(', ')}`;
  if (violations.length === 0) return `${heading}\nevery rule holds`;
  const rows = violations.map(({ rule, site, subject, expected, found }) => [rule, site, subject, expected, found]);
  const remedies = new Map(violations.map(({ rule, explanation }) => [rule, explanation]));
  return [
    heading,
    formatTable(['rule', 'site', 'row', 'expected', 'found'], rows),
    '',
    ...[...remedies].map(([rule, explanation]) => `${rule}: ${explanation}`),
  ].join('\n');
}
