/** Writes what a run counted, so that a script can add runs up, and says plainly what was skipped. */
const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

module.exports = class SummaryReporter {
  onRunComplete(_contexts, results) {
    const folder = process.env.ENTREPOT_TEST_RESULTS;
    const skipped = results.testResults.flatMap((file) =>
      file.testResults
        .filter(({ status }) => status === 'pending' || status === 'todo')
        .map(({ fullName }) => fullName),
    );
    for (const name of skipped) process.stderr.write(`skipped: ${name}\n`);
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    const summary = {
      passed: results.numPassedTests,
      // A file that does not even run counts as a failure.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: skipped.length,
    };
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(summary));
  }
};
