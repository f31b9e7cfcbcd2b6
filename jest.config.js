/** @type {import('jest').Config} */
const shared = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.(t|j|mj)s$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  // These packages ship as ES modules only.
  transformIgnorePatterns: ['/node_modules/(?!(jose|uuid)/)'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/var'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/setup.ts'],
};

module.exports = {
  projects: [
    { ...shared, displayName: 'everyday', testMatch: ['<rootDir>/test/**/*.test.ts'] },
    { ...shared, displayName: 'full', testMatch: ['<rootDir>/test/**/*.long.ts'] },
    // After a run: every document that the transport has emitted in it.
    {
      displayName: 'documents',
      testEnvironment: 'node',
      transform: shared.transform,
      transformIgnorePatterns: shared.transformIgnorePatterns,
      testMatch: ['<rootDir>/test/documents/emitted.ts'],
    },
    // Not a test of every day: looks for what the simulation has not met yet, see test/simulation/README.md.
    {
      displayName: 'simulation',
      testEnvironment: 'node',
      transform: shared.transform,
      transformIgnorePatterns: shared.transformIgnorePatterns,
      modulePathIgnorePatterns: shared.modulePathIgnorePatterns,
      testMatch: ['<rootDir>/test/simulation/explore.ts'],
    },
    // Not a test: records histories of today's workflows for the replay tests.
    { ...shared, displayName: 'record', testMatch: ['<rootDir>/test/replay/record.ts'] },
  ],
  // One more than the processors of the machines that run this, for each often waits for a server or a process.
  maxWorkers: 3,
  testSequencer: '<rootDir>/test/support/longest-first.js',
  reporters: ['default', '<rootDir>/test/support/summary-reporter.js'],
  // More than what one wait in a test may take (test/support/until.ts).
  testTimeout: 240_000,
};
