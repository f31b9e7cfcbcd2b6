/** The page that documents the API: whole, safe, and loading nothing from anywhere. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import request from 'supertest';
import { PROBLEM_TYPES } from '../../api/problem-types';
import { openApiDocument } from '../../api/openapi';
import { allRoutes } from '../../api/routes';
import { type OpenApi } from '../../web/api-docs/openapi';
import { apiDocsPage } from '../../web/api-docs/page';
import { type Content, Html, html } from '../../web/html';
import { Shop } from '../orders/shop';

const ROOT = join(__dirname, '..', '..');
const document = openApiDocument(allRoutes) as OpenApi;
const SITE_URL = 'http://hq.example';
const page = apiDocsPage(document, SITE_URL);

/** The values of all attributes of a name. */
const attributes = (name: string) =>
  [...page.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value]) => value ?? '');

describe('the page at /docs', () => {
  test('is open to anyone, and its policy lets nothing in but its own style sheet', async () => {
    const shop = await Shop.open('sqlite', 'hq');
    const { status, headers, text } = await request(shop.app).get('/docs');
    await shop.drop();
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(text).toBe(page);
    expect(text).toContain(`SITE=${SITE_URL} `);
    const [, style] = /<style>([^]*)<\/style>/.exec(text) ?? [];
    const digest = createHash('sha256')
      .update(style ?? '')
      .digest('base64');
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toEqual([
      ...["default-src 'none'", `style-src 'sha256-${digest}'`, 'img-src data:'],
      ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
    ]);
  });

  test('runs nothing and refers to nothing outside of it but the OpenAPI document', () => {
    expect(page).not.toMatch(/<(script|iframe|img|object|embed|form|base|meta http-equiv)\b/i);
    expect(page).not.toMatch(/\s(on\w+|style)="/);
    expect(page).not.toMatch(/@import|url\(/);
    for (const name of ['src', 'srcset', 'action', 'data', 'poster', 'cite']) expect(attributes(name)).toEqual([]);
    const outside = attributes('href').filter((reference) => !reference.startsWith('#'));
    expect(new Set(outside)).toEqual(new Set(['/openapi.json', 'data:,']));
  });

  test('names every operation with method, path, roles, parameters and answers', () => {
    for (const { method, path, operationId, summary, roles, responses } of allRoutes) {
      const section =
        new RegExp(`<section class="operation" id="${operationId}">([^]*?)</section>`).exec(page)?.[1] ?? '';
      expect({ operationId, section }).toEqual({ operationId, section: expect.stringContaining(escaped(summary)) });
      expect(section).toContain(`<code>${escaped(path)}</code>`);
      expect(section).toContain(`>${method.toUpperCase()}</span>`);
      for (const role of roles) expect(section).toContain(`<span class="role">${role}</span>`);
      for (const status of Object.keys(responses)) expect(section).toContain(`>${status}</dt>`);
      for (const { name } of document.paths[path]?.[method]?.parameters ?? []) {
        if (name !== 'store') expect(section).toContain(`<code>${name}</code>`);
      }
      expect(section).toMatch(/<code>curl /);
    }
  });

  test('has every schema and every type of problem, and each of its links leads somewhere', () => {
    const ids = attributes('id');
    expect(new Set(ids).size).toBe(ids.length);
    for (const name of Object.keys(document.components.schemas)) expect(ids).toContain(`schema-${name}`);
    for (const slug of Object.keys(PROBLEM_TYPES)) expect(page).toContain(`https://entrepot.dev/problems/${slug}<`);
    const links = attributes('href').filter((reference) => reference.startsWith('#'));
    expect(links.filter((link) => !ids.includes(link.slice(1)))).toEqual([]);
    expect(links.length).toBeGreaterThan(allRoutes.length * 2);
  });

  test('shows what a description holds as text', () => {
    const hostile = { ...document, info: { title: 'A<script>"\'', version: '1', description: '</p><img src=x>' } };
    const shown = apiDocsPage(hostile, 'http://<b>');
    expect(shown).toContain('A&lt;script&gt;&quot;&#39; API');
    expect(shown).not.toMatch(/<script|<img|<b>/);
  });
});

function escaped(text: string): string {
  return html`${text}`.text;
}

test('a template escapes text wherever it stands, and leaves HTML as it is', () => {
  const items: Content = ['<a>', new Html('<b>'), null, undefined, false, 0, ['&', [`"'`]]];
  expect(html`<p title="${'"'}">${items}</p>`.text).toBe('<p title="&quot;">&lt;a&gt;<b>0&amp;&quot;&#39;</p>');
});

test('every type of problem that is documented is one that the code answers', () => {
  const sources = ['api', 'activities']
    .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== 'problem-types.ts')
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');
  expect(Object.keys(PROBLEM_TYPES).filter((slug) => !sources.includes(`'${slug}'`))).toEqual([]);
});
