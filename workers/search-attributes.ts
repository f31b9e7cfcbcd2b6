/** Search attributes on a server of any kind: what is missing is added, what differs is an error (design, section 4). */
import { type Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { DOCUMENT_ATTRIBUTE, SITE_ATTRIBUTE, STATE_ATTRIBUTE, STORE_ATTRIBUTE } from '../workflows/search-attributes';

const { INDEXED_VALUE_TYPE_KEYWORD } = temporal.api.enums.v1.IndexedValueType;
const WANTED = [STORE_ATTRIBUTE, SITE_ATTRIBUTE, STATE_ATTRIBUTE, DOCUMENT_ATTRIBUTE].map(({ name }) => name);

export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = WANTED.filter((name) => !Object.hasOwn(customAttributes, name));
  for (const name of WANTED) {
    const type = customAttributes[name];
    if (type !== undefined && type !== INDEXED_VALUE_TYPE_KEYWORD) {
      const found = temporal.api.enums.v1.IndexedValueType[type];
      throw new Error(
        `search attribute ${name} of namespace "${namespace}" is ${found}, Keyword is needed: ` +
          `remove it there (temporal operator search-attribute remove --name ${name}), or use another namespace`,
      );
    }
  }
  if (missing.length > 0) {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
    });
  }
  return missing;
}
