/** Writes what a run counted, so that a script can add runs up, and says plainly what was skipped. */
const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { stripVTControlCharacters } = require('node:util');

/** Of a failure's words, for the last lines of a long log, of which every failure should be in sight. */
const SHOWN_CHARS = 500;

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
      failures: results.testResults.flatMap(failuresOf),
    };
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(summary));
  }
};

/** What failed in a file, each with the beginning of what it said. */
function failuresOf(file) {
  const own = file.testExecError ? [`${file.testFilePath}: ${shown(file.testExecError.message)}`] : [];
  const failed = file.testResults.filter(({ status }) => status === 'failed');
  return [...own, ...failed.map((test) => `${test.fullName}: ${shown(test.failureMessages.join('\n'))}`)];
}

function shown(message) {
  return stripVTControlCharacters(String(message)).slice(0, SHOWN_CHARS);
}
