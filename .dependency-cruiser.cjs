/** Imports point downwards only (docs/architecture.md). */
const layers = {
  domain: [],
  cxml: ['domain'],
  db: ['cxml', 'domain'],
  activities: ['db', 'cxml', 'domain'],
  web: ['domain'],
  api: ['web', 'activities', 'db', 'cxml', 'domain'],
  workers: ['api', 'web', 'activities', 'db', 'cxml', 'domain', 'workflows'],
  cli: ['workers', 'api', 'web', 'activities', 'db', 'cxml', 'domain', 'workflows'],
  bench: ['cli', 'workers', 'api', 'web', 'activities', 'db', 'cxml', 'domain', 'workflows'],
};

const all = [...Object.keys(layers), 'workflows'];

const downwards = Object.entries(layers).map(([layer, below]) => ({
  name: `${layer}-imports-downwards-only`,
  severity: 'error',
  from: { path: `^${layer}/` },
  to: { path: `^(${all.filter((other) => other !== layer && !below.includes(other)).join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...downwards,
    {
      name: 'workflows-import-domain-and-types-only',
      severity: 'error',
      from: { path: '^workflows/' },
      to: {
        path: `^(${all.filter((other) => other !== 'workflows' && other !== 'domain').join('|')})/`,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'workflows-are-deterministic',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'domain-cxml-and-web-do-no-input-or-output',
      severity: 'error',
      from: { path: '^(domain|cxml|web)/' },
      to: { path: '^(node:)?(fs|net|http|https|child_process|worker_threads|dns|os|fs/promises|timers)$' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'product-does-not-import-tests',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    {
      name: 'not-a-development-dependency',
      severity: 'error',
      from: { pathNot: '^(test/|[^/]+$)' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
