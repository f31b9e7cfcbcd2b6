import fc from 'fast-check';
import { beginTrace, formatTraceparent, parseTraceparent, traceOfBatch } from '../../domain/trace';
import { type Random } from '../../domain/runtime';
import { seededRandom } from '../support/random';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

function randomOf(seed: number): Random {
  const next = seededRandom(seed);
  return { next, bytes: (size) => Buffer.from(Array.from({ length: size }, () => next() * 256)) };
}

describe('a traceparent', () => {
  test('is read by its flags, and by those of a later version', () => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true });
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-02`)?.sampled).toBe(false);
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-brings`)?.traceId).toBe(TRACE);
  });

  test.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['more than version 00 has', `00-${TRACE}-${SPAN}-01-x`],
    ['something before it', ` 00-${TRACE}-${SPAN}-01`],
    ['a line end', `00-${TRACE}-${SPAN}-01\n`],
  ])('with %s is as if there were none', (_, text) => {
    expect(parseTraceparent(text)).toBeNull();
  });

  test('of whatever is begun is read back as it was', () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, sampled) => {
        const begun = { ...beginTrace(randomOf(seed)), sampled };
        expect(parseTraceparent(formatTraceparent(begun))).toEqual(begun);
      }),
    );
  });
});

test('a batch of one goes on in its trace; one of many is linked to those that are known', () => {
  const [one, two] = [1, 2].map((seed) => beginTrace(randomOf(seed)));
  expect(traceOfBatch([one ?? null])).toEqual({ parent: one, links: [] });
  expect(traceOfBatch([null])).toEqual({ parent: null, links: [] });
  expect(traceOfBatch([one ?? null, null, two ?? null])).toEqual({ parent: null, links: [one, two] });
});
