/** What looks like a card number is one, whatever stands around it. */
import { findCardNumber } from '../../domain/card-numbers';

test.each([
  '4111111111111111',
  '4111 1111 1111 1111',
  '3782-822463-10005',
  '6011.0009.9013.9424',
  'Visa 4111111111111111',
  'visa4111111111111111',
  'tok_4111111111111111',
  'PAN-4111111111111111',
  '4111111111111111 12/27 123',
  '4111-1111-1111-1111 12-27',
  '12 4111111111111111',
  'first 1234, then 5555555555554444.',
])('"%s" holds one', (text) => {
  expect(findCardNumber(text)).not.toBeNull();
});

test.each([
  '',
  '4111111111111112',
  '41111111111',
  '41111111111111111111111111111111',
  '446655440001a',
  '550e8400-e29b-41d4-a716-446655440001',
  'tok_1NirD82eZvKYlo2CIvbtLWuy',
  'PO 2026-11-24 / 4711',
])('"%s" holds none', (text) => {
  expect(findCardNumber(text)).toBeNull();
});
