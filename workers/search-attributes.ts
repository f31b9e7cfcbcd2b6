/** Search attributes on a server of any kind: what is missing is added, what differs is an error (design, section 4). */
import { type Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { DOCUMENT_ATTRIBUTE, SITE_ATTRIBUTE, STATE_ATTRIBUTE, STORE_ATTRIBUTE } from '../workflows/search-attributes';

const { INDEXED_VALUE_TYPE_KEYWORD } = temporal.api.enums.v1.IndexedValueType;
const WANTED = [STORE_ATTRIBUTE, SITE_ATTRIBUTE, STATE_ATTRIBUTE, DOCUMENT_ATTRIBUTE].map(({ name }) => name);

export interface AttributeState {
  readonly missing: readonly string[];
  readonly wrong: readonly { readonly name: string; readonly type: string }[];
}

/** How the namespace's attributes differ from what is needed. */
export async function searchAttributes(connection: Connection, namespace: string): Promise<AttributeState> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return {
    missing: WANTED.filter((name) => !Object.hasOwn(customAttributes, name)),
    wrong: WANTED.flatMap((name) => {
      const type = customAttributes[name];
      if (type === undefined || type === INDEXED_VALUE_TYPE_KEYWORD) return [];
      return [{ name, type: temporal.api.enums.v1.IndexedValueType[type] ?? String(type) }];
    }),
  };
}

/** What to do about an attribute of another type. */
export function attributeRemedy(name: string): string {
  return `remove it there (temporal operator search-attribute remove --name ${name}), or use another namespace`;
}

export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<readonly string[]> {
  const { missing, wrong } = await searchAttributes(connection, namespace);
  const [first] = wrong;
  if (first) {
    throw new Error(
      `search attribute ${first.name} of namespace "${namespace}" is ${first.type}, Keyword is needed: ` +
        attributeRemedy(first.name),
    );
  }
  if (missing.length > 0) {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
    });
  }
  return missing;
}
