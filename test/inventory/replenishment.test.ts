/** Rules of replenishment: thresholds as units, and what a parent answers. */
import {
  type Demand,
  NO_DEMAND,
  POLICY_DEFAULTS,
  type ReplenishmentAnswer,
  SIZE_BOUNDS,
  answerNeeds,
  basisOf,
  grantedBy,
  itemThreshold,
  leftOpenBy,
  waitingItems,
} from '../../domain/inventory';

describe('a rule', () => {
  const at = (lastGrant: number, demand = NO_DEMAND) => ({ lastGrant, demand });
  /** Two lines a day of one unit, and one every two days of four. */
  const sold: Demand = {
    unitsPerDay: 4,
    linesAbove: SIZE_BOUNDS.map((bound) => (bound < 1 ? 2 : 0) + (bound < 4 ? 0.5 : 0)),
  };

  test.each([
    [{ threshold: { units: 7 } }, at(0), { thresholdUnits: 7, refillUnits: 14 }],
    [{ threshold: { units: 7 }, refillTo: { units: 3 } }, at(0), { thresholdUnits: 7, refillUnits: 7 }],
    [{ threshold: { percentage: 25 }, refillTo: { percentage: 100 } }, at(9), { thresholdUnits: 3, refillUnits: 9 }],
    [{ threshold: { percentage: 25 } }, at(0), { thresholdUnits: 0, refillUnits: 0 }],
    [{ threshold: { days: 2 }, refillTo: { days: 5 } }, at(0, sold), { thresholdUnits: 8, refillUnits: 20 }],
    [{ threshold: { value: 0.5 } }, at(0), { thresholdUnits: 0, refillUnits: 0 }],
  ])('%j comes to units', (rule, basis, expected) => {
    expect(itemThreshold(rule, basis, POLICY_DEFAULTS)).toEqual(expected);
  });

  test('of value asks for more, the less is borne', () => {
    const units = [0.9, 0.5, 0.1].map(
      (value) => itemThreshold({ threshold: { value } }, at(0, sold), POLICY_DEFAULTS).thresholdUnits,
    );
    expect(units).toEqual([...units].sort((a, b) => a - b));
    expect(units[2]).toBeGreaterThan(units[0] as number);
  });

  test('says what it is measured by', () => {
    expect([...basisOf({ threshold: { units: 1 }, refillTo: { units: 2 } })]).toEqual([]);
    expect([...basisOf({ threshold: { percentage: 1 }, refillTo: { days: 2 } })]).toEqual(['lastGrant', 'demand']);
  });
});

describe('the parent', () => {
  const line = (sku: string, quantity: number) => ({ sku, quantity });
  const answer = (
    needs: Record<string, number>,
    pool: Record<string, number>,
    substitutes: Record<string, string[]> = {},
  ): ReplenishmentAnswer[] => {
    const lines = (units: Record<string, number>) =>
      Object.entries(units).map(([sku, quantity]) => line(sku, quantity));
    return answerNeeds(lines(needs), lines(pool), substitutes, new Set(['A', 'B']));
  };

  test('gives all, a part, or says why there is nothing', () => {
    const answers = answer({ A: 5, B: 5, C: 1, D: 2 }, { A: 9, B: 2, D: 0 });
    expect(answers).toEqual([
      { sku: 'A', asked: 5, granted: 5, outcome: 'full' },
      { sku: 'B', asked: 5, granted: 2, outcome: 'part' },
      { sku: 'C', asked: 1, granted: 0, outcome: 'unavailable', reason: 'not-kept' },
      { sku: 'D', asked: 2, granted: 0, outcome: 'unavailable', reason: 'not-kept' },
    ]);
    expect(answer({ A: 1 }, {})).toMatchObject([{ reason: 'sold-out' }]);
    expect(grantedBy(answers)).toEqual([line('A', 5), line('B', 2)]);
    expect(leftOpenBy(answers)).toEqual([line('B', 3), line('C', 1), line('D', 2)]);
  });

  test('is not asked at once for what it did not have, until it has said otherwise', () => {
    const said = (sku: string, outcome: ReplenishmentAnswer['outcome']) => ({ sku, asked: 1, granted: 0, outcome });
    const answers = [said('A', 'unavailable'), said('B', 'unavailable'), said('C', 'part'), said('A', 'full')];
    expect([...waitingItems(answers)]).toEqual(['B']);
    expect([...waitingItems([...answers, said('A', 'unavailable')])]).toEqual(['A', 'B']);
  });

  test('gives another item where the store names one, after those who asked for that one', () => {
    const answers = answer({ A: 5, B: 4 }, { A: 1, B: 6, X: 9 }, { A: ['A', 'gone', 'B', 'X'] });
    expect(answers).toEqual([
      { sku: 'A', asked: 5, granted: 1, outcome: 'substitute', instead: line('B', 2) },
      { sku: 'B', asked: 4, granted: 4, outcome: 'full' },
    ]);
    expect(grantedBy(answers)).toEqual([line('A', 1), line('B', 6)]);
    expect(leftOpenBy(answers)).toEqual([line('A', 2)]);
  });
});
