/** What Temporal is told of an activity that failed. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { TellableError } from '../../domain/errors';
import { failureToTell } from '../../workers/activity-failures';

const VALUE = /Ann Buyer/;
const cause = new Error("Duplicate entry 'Ann Buyer'");

test.each<[string, unknown, object]>([
  ['an unknown error by its class', new SyntaxError("Unexpected token, 'Ann Buyer'"), { type: 'SyntaxError' }],
  ['what is no error', 'Ann Buyer', { type: 'string' }],
  ['a tellable error without its cause', new TellableError('site is away', { cause }), { message: 'site is away' }],
  [
    'a refusal without its cause',
    ApplicationFailure.create({ message: 'refused', type: 'Refused', nonRetryable: true, cause, details: [VALUE] }),
    { message: 'refused', type: 'Refused', nonRetryable: true },
  ],
])('tells %s', (_what, error, told) => {
  const failure = failureToTell(error, 'north');
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({ nonRetryable: false, ...told });
  const { message, stack, cause: inner, details } = failure as ApplicationFailure;
  expect([message, stack, String(inner), JSON.stringify(details ?? [])].join('\n')).not.toMatch(VALUE);
});

test('a cancellation stays one', () => {
  const cancelled = new CancelledFailure('cancelled');
  expect(failureToTell(cancelled, 'north')).toBe(cancelled);
});
