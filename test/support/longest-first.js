/** Begins with the tests that take minutes, so that none of Jest's workers is left alone with one at the end. */
const Sequencer = require('@jest/test-sequencer').default;

const LONGEST = [
  ...['kill.long.ts', 'stream.long.ts', 'simulation.long.ts', 'borrowing.long.ts', 'cut.long.ts', 'production.long.ts'],
  ...['secrets.long.ts', 'trial.long.ts', 'refusals.test.ts', 'backup.test.ts'],
];

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const found = LONGEST.findIndex((name) => path.endsWith(name));
      return found < 0 ? LONGEST.length : found;
    };
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
  }
};
