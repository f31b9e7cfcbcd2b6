/** A request as a line for the shell, with values that show what is meant. */
import { type MediaTypes, type OpenApi, type Operation, type Schema, mainType, refName } from './openapi';

/** How deep an example goes before it stops. */
const DEPTH_MAX = 6;
/** Optional members are shown where they are few. */
const OPTIONAL_MEMBERS_MAX = 6;
const JSON_INDENT = 2;

const FORMAT_EXAMPLES: Readonly<Record<string, string>> = {
  uuid: '0198c0de-0000-7000-8000-000000000001',
  'date-time': '2026-01-31T08:26:00.000Z',
  email: 'ada@buyer.example',
  uri: 'https://shop.example/',
};

export function curlExample(document: OpenApi, method: string, path: string, operation: Operation): string {
  const headers = (operation.parameters ?? []).filter((parameter) => parameter.in === 'header' && parameter.required);
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query' && parameter.required);
  const search = query.map(({ name, schema }) => `${name}=${String(exampleOf(document, schema, 0))}`).join('&');
  const url = path.replace(/\{(\w+)\}/g, (_whole, name: string) => `$${shellName(name)}`);
  const lines = [
    `curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}"$SITE${url}${search === '' ? '' : `?${search}`}"`,
    ...(operation['x-roles'].length > 0 ? ['-H "Authorization: Bearer $KEY"'] : []),
    ...headers.map(({ name }) => `-H "${name}: $${shellName(name)}"`),
    ...bodyWords(document, operation.requestBody?.content),
  ];
  return lines.join(' \\\n  ');
}

/** `workflowId` → `WORKFLOW_ID`, `Cart-Token` → `CART_TOKEN`. */
function shellName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/\W/g, '_')
    .toUpperCase();
}

function bodyWords(document: OpenApi, content: MediaTypes | undefined): string[] {
  const [first] = Object.entries(content ?? {});
  if (!first) return [];
  const [type, { schema = {} }] = first;
  const header = `-H "Content-Type: ${type}"`;
  if (type !== 'application/json') return [header, `--data-binary @${fileFor(type)}`];
  return [header, `-d '${JSON.stringify(exampleOf(document, schema, 0), null, JSON_INDENT).replaceAll("'", "'\\''")}'`];
}

function fileFor(type: string): string {
  return type === 'text/csv' ? 'file.csv' : 'document.xml';
}

function exampleOf(document: OpenApi, schema: Schema, depth: number): unknown {
  if (schema.example !== undefined) return schema.example;
  if (schema.$ref !== undefined) {
    const target = document.components.schemas[refName(schema.$ref)];
    return target && depth < DEPTH_MAX ? exampleOf(document, target, depth + 1) : {};
  }
  const [choice] = schema.anyOf ?? schema.oneOf ?? schema.allOf ?? [];
  if (choice) return exampleOf(document, choice, depth);
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  return exampleOfType(document, schema, depth);
}

function exampleOfType(document: OpenApi, schema: Schema, depth: number): unknown {
  const type = mainType(schema);
  if (type === 'object') return exampleObject(document, schema, depth);
  if (type === 'array') return depth < DEPTH_MAX && schema.items ? [exampleOf(document, schema.items, depth + 1)] : [];
  if (type === 'integer' || type === 'number') return Math.max(1, schema.minimum ?? 1);
  if (type === 'boolean') return true;
  return FORMAT_EXAMPLES[schema.format ?? ''] ?? '…';
}

function exampleObject(document: OpenApi, { properties = {}, required = [] }: Schema, depth: number): object {
  const all = Object.entries(properties);
  const few = all.length <= OPTIONAL_MEMBERS_MAX || required.length === 0;
  const shown = all.filter(([name, { default: value }]) => required.includes(name) || (few && value === undefined));
  return Object.fromEntries(shown.map(([name, member]) => [name, exampleOf(document, member, depth + 1)]));
}
