import fc from 'fast-check';
import { WORKFLOW_TYPES, type WorkflowType, formatWorkflowId, parseWorkflowId } from '../../domain/workflow-ids';
import { formatTransferId, parseTransferId } from '../../domain/inventory';
import { primaryQueue, siteQueue } from '../../domain/queues';

const part = fc.string({ minLength: 1 }).filter((text) => !text.includes('/'));

describe('workflow ids', () => {
  test.each(Object.keys(WORKFLOW_TYPES) as WorkflowType[])('%s: one function makes it, one reads it', (type) => {
    const names: readonly string[] = WORKFLOW_TYPES[type];
    fc.assert(
      fc.property(fc.tuple(...names.map(() => part)), (values) => {
        const parts = Object.fromEntries(names.map((name, index) => [name, values[index]]));
        expect(parseWorkflowId(formatWorkflowId(type, parts as never))).toEqual({ type, ...parts });
      }),
    );
  });

  test('an empty part or one with a slash is refused by name', () => {
    expect(() => formatWorkflowId('storeTopology', { store: '' })).toThrow(/store "" is empty/);
    expect(() => formatWorkflowId('catalogDelivery', { store: 's', catalog: 'a/b', site: 'n' })).toThrow(/"a\/b"/);
  });

  test.each(['', 'storeTopology', 'storeTopology/', 'storeTopology/a/b', 'toString/x', 'constructor/x'])(
    '"%s" is nobody\'s id',
    (id) => expect(parseWorkflowId(id)).toBeNull(),
  );
});

test('transfer ids read what they write', () => {
  const id = { giver: 'hq', incarnation: 3, sequence: 17 };
  expect(formatTransferId(id)).toBe('hq.3.17');
  expect(parseTransferId('hq.3.17')).toEqual(id);
  expect(parseTransferId('hq.3')).toBeNull();
  expect(parseTransferId('HQ.3.17')).toBeNull();
});

test('queues name the store, the place and its generation', () => {
  expect(siteQueue('shop', 'north', 2)).toBe('site.shop.north.2');
  expect(primaryQueue('shop', 1)).toBe('primary.shop.1');
});
