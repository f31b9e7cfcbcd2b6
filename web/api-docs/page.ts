/** The page that documents the API, from its OpenAPI document and the site's own URL alone. It runs no script and loads nothing. */
import { type Content, Html, html } from '../html';
import { type OpenApi } from './openapi';
import { type NamedOperation, operationSection } from './operation';
import { prose, schemaTable } from './schema';
import { STYLE } from './style';

// As it stands, to the letter: the page's policy names its digest.
const STYLE_SHEET = new Html(`<style>${STYLE}</style>`);

/** Methods of a path item; its other members are no operations. */
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

interface Group {
  readonly name: string;
  readonly description: string;
  readonly operations: readonly NamedOperation[];
}

export function apiDocsPage(document: OpenApi, siteUrl: string): string {
  const groups = groupsOf(document);
  const { title, description } = document.info;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} API</title>
        <link rel="icon" href="data:," />
        ${STYLE_SHEET}
      </head>
      <body>
        <nav aria-label="Contents">
          <a class="home" href="#top">${title} API</a>
          ${groups.map(groupLinks)}
          <h2>More</h2>
          <ul>
            <li><a href="#problems">Problems</a></li>
            <li><a href="#schemas">Schemas</a></li>
            <li><a href="/openapi.json">openapi.json</a></li>
          </ul>
        </nav>
        <main id="top">
          <h1>${title} API</h1>
          <p class="lead">${description}</p>
          ${introduction(siteUrl)} ${groups.map((group) => groupSection(document, group))} ${problemsSection(document)}
          ${schemasSection(document)}
        </main>
      </body>
    </html> `;
  return page.text;
}

/** In the order of the tags; what has a tag that is not described comes last. */
function groupsOf({ paths, tags }: OpenApi): Group[] {
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method): NamedOperation[] => {
      const operation = item[method];
      return operation ? [{ method, path, operation }] : [];
    }),
  );
  const names = new Set([...tags.map(({ name }) => name), ...operations.map(tagOf)]);
  return [...names].flatMap((name): Group[] => {
    const own = operations.filter((operation) => tagOf(operation) === name);
    const description = tags.find((tag) => tag.name === name)?.description ?? '';
    return own.length === 0 ? [] : [{ name, description, operations: own }];
  });
}

function tagOf({ operation }: NamedOperation): string {
  return operation.tags[0] ?? 'other';
}

function titled(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function groupLinks({ name, operations }: Group): Html {
  return html`<h2><a href="#tag-${name}">${titled(name)}</a></h2>
    <ul>
      ${operations.map(
        ({ method, operation }) =>
          html`<li>
            <a href="#${operation.operationId}"
              ><span class="method ${method}">${method.toUpperCase()}</span>${operation.operationId}</a
            >
          </li> `,
      )}
    </ul> `;
}

function groupSection(document: OpenApi, { name, description, operations }: Group): Html {
  return html`<section class="group" id="tag-${name}">
    <h2>${titled(name)}</h2>
    <p>${prose(description)}</p>
    ${operations.map((operation) => operationSection(document, operation))}
  </section> `;
}

function introduction(siteUrl: string): Content {
  return html`<section class="introduction">
    <h2>How to call it</h2>
    <p>
      Every address below <code>/v1/stores/{store}</code> is about one store and takes an API key of that store and this
      site: <code>Authorization: Bearer ek_…</code>. A key has a role; each operation says which roles it is for (<span
        class="role"
        >site</span
      >
      is another site of the store). The examples want these in the shell:
    </p>
    <pre><code>SITE=${siteUrl}  STORE=shop  KEY=ek_…</code></pre>
    <ul>
      <li>
        <strong>Lists</strong> come in pages: ask for the next one with <code>after</code>, its value is the page's
        <code>next</code>.
      </li>
      <li><strong>Money</strong> is a decimal in quotes with its currency, times are ISO 8601 in UTC.</li>
      <li>
        <strong>Sending again</strong>: where <code>Idempotency-Key</code> is taken, the same request under the same key
        is done once, and answered alike.
      </li>
      <li>
        <strong>Carts</strong> are reached with their <code>Cart-Token</code>, and written with the newest
        <code>ETag</code> in <code>If-Match</code>.
      </li>
      <li>
        <strong>What takes time</strong> is a workflow: 202 with its id, where its status is, and its page in the
        Temporal UI.
      </li>
    </ul>
  </section> `;
}

function problemsSection(document: OpenApi): Html {
  const common = commonAnswers(document);
  return html`<section class="group" id="problems">
    <h2>Problems</h2>
    <p>
      What goes wrong is answered as <code>application/problem+json</code> (RFC 9457), a
      <a href="#schema-Problem">Problem</a>: <code>detail</code> says what was wrong, with which value, and what to do;
      <code>type</code> is one of those below and stays what it is; <code>requestId</code> names the request in the
      site's log.
    </p>
    <h3 id="common-answers">What any operation may answer</h3>
    <dl class="answers">
      ${common.map(
        ([status, meaning]) =>
          html`<dt class="status s${status.charAt(0)}">${status}</dt>
            <dd><p>${prose(meaning)}</p></dd> `,
      )}
    </dl>
    <h3>Types</h3>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>Type</th>
            <th>Meaning</th>
          </tr>
        </thead>
        <tbody>
          ${document['x-problem-types'].map(
            ({ type, meaning }) =>
              html`<tr>
                <td><code>${type}</code></td>
                <td>${prose(meaning)}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section> `;
}

function commonAnswers({ paths }: OpenApi): [string, string][] {
  const answers = Object.values(paths)
    .flatMap((item) => METHODS.flatMap((method) => Object.entries(item[method]?.responses ?? {})))
    .filter(([, answer]) => answer['x-common'] === true)
    .map(([status, { description }]): [string, string] => [status, description]);
  return [...new Map(answers)].sort(([a], [b]) => Number(a) - Number(b));
}

function schemasSection({ components }: OpenApi): Html {
  return html`<section class="group" id="schemas">
    <h2>Schemas</h2>
    ${Object.entries(components.schemas)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([name, schema]) =>
          html`<section class="schema" id="schema-${name}">
            <h3><a class="anchor" href="#schema-${name}">${name}</a></h3>
            ${schemaTable(schema)}
          </section> `,
      )}
  </section> `;
}
