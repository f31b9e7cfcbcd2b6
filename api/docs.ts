/** The API's own description: the OpenAPI document, and the page that is made from it. Open to anyone. */
import { createHash } from 'node:crypto';
import { type Express } from 'express';
import { type OpenApi } from '../web/api-docs/openapi';
import { apiDocsPage } from '../web/api-docs/page';
import { STYLE } from '../web/api-docs/style';
import { openApiDocument } from './openapi';
import { type Route } from './route';

/** The page runs no script and loads nothing; its one style sheet is known by its digest. */
const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function serveDescription(app: Express, routes: readonly Route[], siteUrl: string): void {
  // Made when somebody asks: it would be a seventh of what a start costs.
  let made: object | undefined;
  const document = () => (made ??= openApiDocument(routes));
  let page: string | undefined;
  app.get('/openapi.json', (_request, response) => void response.json(document()));
  app.get('/docs', (_request, response) => {
    page ??= apiDocsPage(document() as OpenApi, siteUrl);
    response.set('Content-Security-Policy', PAGE_POLICY).type('html').send(page);
  });
}
