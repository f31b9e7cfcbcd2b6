/** A schema as a table: a row a member, members of members indented below it. */
import { type Content, type Html, html } from '../html';
import { type Schema, isNullable, mainType, refName } from './openapi';

/** Members of members of members: deeper ones are told by their type alone. */
const DEPTH_MAX = 4;

/** The type in a few words; a named one is a link to its table. */
export function typeOf(schema: Schema): Content {
  const text = bareTypeOf(schema);
  return isNullable(schema) ? [text, ' or null'] : text;
}

function bareTypeOf(schema: Schema): Content {
  if (schema.$ref !== undefined) return schemaLink(refName(schema.$ref));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return joined(choices.map(typeOf), ' or ');
  if (schema.allOf) return joined(schema.allOf.filter(saysType).map(typeOf), ' and ');
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum) {
    return joined(
      schema.enum.map((value) => code(JSON.stringify(value))),
      ' | ',
    );
  }
  const type = mainType(schema);
  if (type === 'array') return ['list of ', schema.items ? typeOf(schema.items) : 'anything'];
  if (type === 'object') return schema.properties ? 'object' : mapOf(schema);
  if (type === undefined) return 'anything';
  return schema.format === undefined ? type : [type, html` <span class="format">${schema.format}</span>`];
}

function saysType({ $ref, type, anyOf, oneOf }: Schema): boolean {
  return $ref !== undefined || type !== undefined || anyOf !== undefined || oneOf !== undefined;
}

function mapOf({ additionalProperties }: Schema): Content {
  if (typeof additionalProperties !== 'object' || Object.keys(additionalProperties).length === 0) return 'object';
  return ['object of ', typeOf(additionalProperties)];
}

export function schemaLink(name: string): Html {
  return html`<a href="#schema-${name}">${name}</a>`;
}

function code(text: string): Html {
  return html`<code>${text}</code>`;
}

function joined(parts: readonly Content[], between: string): Content {
  return parts.map((part, index) => (index === 0 ? part : [between, part]));
}

/** What a value must be beyond its type. */
export function limitsOf(schema: Schema): Content {
  const limits = [
    ...range('at least', schema.minimum, 'at most', schema.maximum, ''),
    ...range('at least', schema.minLength, 'at most', schema.maxLength, ' characters'),
    ...range('at least', schema.minItems, 'at most', schema.maxItems, ' entries'),
    ...(schema.pattern === undefined ? [] : [['matches ', code(schema.pattern)]]),
    ...(isTellingDefault(schema.default) ? [['default ', code(JSON.stringify(schema.default))]] : []),
    ...(schema.example === undefined ? [] : [['for example ', code(JSON.stringify(schema.example))]]),
  ];
  return joined(limits, ', ');
}

function range(least: string, min: number | undefined, most: string, max: number | undefined, unit: string): string[] {
  const text = (value: number) => value.toLocaleString('en-GB');
  if (min !== undefined && max !== undefined) return [`${text(min)} to ${text(max)}${unit}`];
  if (min !== undefined) return [`${least} ${text(min)}${unit}`];
  // The largest exact integer is no limit that anyone chose.
  return max === undefined || max === Number.MAX_SAFE_INTEGER ? [] : [`${most} ${text(max)}${unit}`];
}

function isTellingDefault(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
}

interface Member {
  readonly depth: number;
  readonly name: string;
  readonly required: boolean;
  readonly schema: Schema;
}

/** A member, or the "or" between the members of two choices. */
type Row = Member | { readonly depth: number; readonly name: null };

/** The members of an object, or of a list's objects, as a table; nothing for what has none. */
export function schemaTable(schema: Schema): Html | null {
  const rows = rowsOf(schema, 0);
  if (rows.length === 0) return null;
  return html`<div class="wide">
    <table class="members">
      <thead>
        <tr>
          <th>Member</th>
          <th>Type</th>
          <th>Meaning</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(memberRow)}
      </tbody>
    </table>
  </div>`;
}

function memberRow(row: Row): Html {
  const { depth, name } = row;
  if (name === null)
    return html`<tr class="or">
      <td class="depth-${depth}" colspan="3">or</td>
    </tr> `;
  return html`<tr>
    <td class="depth-${depth}">
      <code>${name}</code>${!row.required && html` <span class="optional">optional</span>`}
    </td>
    <td>${typeOf(row.schema)}</td>
    <td>${meaningOf(row.schema)}</td>
  </tr> `;
}

/** What a value is for, and what it must be. */
export function meaningOf(schema: Schema): Content {
  const described =
    schema.description ?? schema.allOf?.find(({ description }) => description !== undefined)?.description;
  const limits = limitsOf(schema);
  return [
    described !== undefined && prose(described),
    described !== undefined && Array.isArray(limits) && limits.length > 0 && ' ',
    Array.isArray(limits) && limits.length > 0 && html`<span class="limits">${limits}</span>`,
  ];
}

/** Text in which backticks mark code. */
export function prose(text: string): Content {
  return text.split('`').map((part, index) => (index % 2 === 1 ? code(part) : part));
}

function rowsOf(schema: Schema, depth: number): Row[] {
  if (depth > DEPTH_MAX) return [];
  const inner = mainType(schema) === 'array' ? (schema.items ?? {}) : schema;
  const choices = inner.anyOf ?? inner.oneOf ?? [];
  const own = Object.entries(inner.properties ?? {}).flatMap(([name, member]): Row[] => [
    { depth, name, required: inner.required?.includes(name) ?? false, schema: member },
    ...rowsOf(member, depth + 1),
  ]);
  const chosen = choices.map((choice) => rowsOf(choice, depth)).filter((rows) => rows.length > 0);
  return [...own, ...chosen.flatMap((rows, index) => (index === 0 ? rows : [{ depth, name: null }, ...rows]))];
}
