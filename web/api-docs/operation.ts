/** One operation: who may call it, what it takes, what it answers, and a line that calls it. */
import { type Content, type Html, html } from '../html';
import { curlExample } from './example';
import { type Answer, type OpenApi, type Operation, type Parameter } from './openapi';
import { meaningOf, prose, schemaTable, typeOf } from './schema';

const PROBLEM = 'application/problem+json';

export interface NamedOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export function operationSection(document: OpenApi, { method, path, operation }: NamedOperation): Html {
  const { operationId, summary } = operation;
  return html`<section class="operation" id="${operationId}">
    <h3><a class="anchor" href="#${operationId}">${summary}</a></h3>
    <p class="route"><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code></p>
    ${rolesLine(operation)} ${parametersPart(operation.parameters ?? [])} ${bodyPart(operation)}
    ${answersPart(operation.responses)}
    <details class="example">
      <summary>Example</summary>
      <pre><code>${curlExample(document, method, path, operation)}</code></pre>
    </details>
  </section> `;
}

function rolesLine({ 'x-roles': roles }: Operation): Html {
  if (roles.length === 0) return html`<p class="roles">Open to anyone, with no key.</p>`;
  return html`<p class="roles">For ${roles.map((role) => html`<span class="role">${role}</span> `)}</p>`;
}

function parametersPart(parameters: readonly Parameter[]): Content {
  // Every address below a store has it; it is explained once, above.
  const shown = parameters.filter(({ name, in: place }) => !(place === 'path' && name === 'store'));
  if (shown.length === 0) return null;
  return html`<h4>Parameters</h4>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>Name</th>
            <th>In</th>
            <th>Type</th>
            <th>Meaning</th>
          </tr>
        </thead>
        <tbody>
          ${shown.map(parameterRow)}
        </tbody>
      </table>
    </div>`;
}

function parameterRow({ name, in: place, required, description, schema }: Parameter): Html {
  const described = description === undefined ? schema : { ...schema, description };
  return html`<tr>
    <td><code>${name}</code>${!required && html` <span class="optional">optional</span>`}</td>
    <td>${place}</td>
    <td>${typeOf(schema)}</td>
    <td>${meaningOf(described)}</td>
  </tr> `;
}

function bodyPart({ requestBody }: Operation): Content {
  if (!requestBody) return null;
  return html`<h4>Body ${!requestBody.required && html`<span class="optional">optional</span>`}</h4>
    ${Object.entries(requestBody.content).map(
      ([type, { schema = {} }]) =>
        html`<p class="media"><code>${type}</code> ${typeOf(schema)} ${meaningOf(schema)}</p>
          ${schemaTable(schema)}`,
    )}`;
}

function answersPart(responses: Readonly<Record<string, Answer>>): Html {
  const all = Object.entries(responses);
  const own = all.filter(([, answer]) => answer['x-common'] !== true);
  const common = all.filter(([, answer]) => answer['x-common'] === true).map(([status]) => status);
  return html`<h4>Answers</h4>
    <dl class="answers">${own.map(([status, answer]) => answerEntry(status, answer))}</dl>
    ${common.length > 0 && html`<p class="common">And, as <a href="#common-answers">everywhere</a>: ${common.join(', ')}.</p>`}`;
}

function answerEntry(status: string, { description, content, headers }: Answer): Html {
  // Every problem is of the one form that is explained once.
  const bodies = Object.entries(content ?? {}).filter(([type]) => type !== PROBLEM);
  return html`<dt class="status s${status.charAt(0)}">${status}</dt>
    <dd>
      <p>
        ${prose(description)}
        ${bodies.map(([type, { schema = {} }]) => html`<span class="media"><code>${type}</code> ${typeOf(schema)}</span>`)}
      </p>
      ${Object.entries(headers ?? {}).map(
        ([name, header]) => html`<p class="header"><code>${name}</code> ${prose(header.description ?? '')}</p>`,
      )}
      ${bodies.map(([, { schema = {} }]) => inlineTable(schemaTable(schema)))}
    </dd> `;
}

function inlineTable(table: Html | null): Content {
  return (
    table &&
    html`<details>
      <summary>Members</summary>
      ${table}
    </details>`
  );
}
