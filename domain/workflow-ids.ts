/** Workflow ids say what they are about; one function makes them, one reads them (design, section 4). */

export const WORKFLOW_TYPES = {
  storeTopology: ['store'],
  catalogPush: ['store', 'catalog', 'request'],
  catalogDelivery: ['store', 'catalog', 'site'],
  inventoryAllocation: ['store', 'request'],
  inventoryReallocation: ['store', 'site', 'request'],
  inventoryReplenishment: ['store', 'site'],
  inventoryUpdate: ['store', 'site', 'update'],
  cartToPurchaseOrder: ['store', 'site', 'cart'],
  purchaseOrderDelivery: ['store', 'site', 'batch'],
} as const;

export type WorkflowType = keyof typeof WORKFLOW_TYPES;
type Part<T extends WorkflowType> = (typeof WORKFLOW_TYPES)[T][number];
export type WorkflowIdParts<T extends WorkflowType> = Record<Part<T>, string>;

export type ParsedWorkflowId = { [T in WorkflowType]: { type: T } & WorkflowIdParts<T> }[WorkflowType];

/** `catalogDelivery/shop/main/north` from its parts; a part may not be empty or hold a slash. */
export function formatWorkflowId<T extends WorkflowType>(type: T, parts: WorkflowIdParts<T>): string {
  const names = WORKFLOW_TYPES[type] as readonly Part<T>[];
  const values = names.map((name) => {
    const value = parts[name];
    if (value === '' || value.includes('/')) {
      throw new Error(`workflow id of ${type}: ${name} "${value}" is empty or holds a slash`);
    }
    return value;
  });
  return [type, ...values].join('/');
}

/** The inverse of formatWorkflowId; null for an id that it did not make. */
export function parseWorkflowId(id: string): ParsedWorkflowId | null {
  const [type, ...values] = id.split('/');
  if (type === undefined || !Object.hasOwn(WORKFLOW_TYPES, type)) return null;
  const names: readonly string[] = WORKFLOW_TYPES[type as WorkflowType];
  if (values.length !== names.length || values.some((value) => value === '')) return null;
  return { type, ...Object.fromEntries(names.map((name, index) => [name, values[index]])) } as ParsedWorkflowId;
}
