/**
 * The codec page: an operator's key and a workflow's id or a sealed payload in, the opened documents out. One answer
 * holds all of it, its policy lets nothing else in, and what it shows goes in as text, never as markup.
 */
import { createHash } from 'node:crypto';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input, textarea { width: 100%; box-sizing: border-box; font: 14px/1.4 ui-monospace, monospace; padding: .4rem; }
button { margin: 1rem .5rem 0 0; padding: .4rem .9rem; font: inherit; }
pre { overflow: auto; max-height: 40rem; padding: .8rem; border: 1px solid #8888; border-radius: 4px; }
[role=alert] { font-weight: 600; }
`;

/** `path` is where the codec's endpoints are. */
const scriptFor = (path: string) => `
'use strict';
const byId = (id) => document.getElementById(id);
const told = byId('told');
const shown = byId('shown');
byId('endpoint').textContent = location.origin + '${path}';

async function ask(method, path, body) {
  const headers = { Authorization: 'Bearer ' + byId('key').value.trim() };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({ detail: 'the site answered ' + answer.status }));
  throw new Error(problem.detail);
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function show(document) {
  const { kind, payloadID, store, sender, receiver, count, keyId, opened } = document;
  shown.append(element('h2', kind + ' ' + payloadID));
  shown.append(element('p', store + ': ' + sender + ' to ' + receiver + ', ' + count + ' inside, key ' + keyId));
  if (opened === undefined || opened === null) {
    shown.append(element('p', 'This site has no key that opens it.'));
  } else if (opened.orders) {
    for (const order of opened.orders) {
      shown.append(element('h3', order.orderId));
      shown.append(element('pre', order.xml));
    }
  } else {
    shown.append(element('pre', typeof opened === 'string' ? opened : JSON.stringify(opened, null, 2)));
  }
}

/** Documents within what a payload holds, opened or not. */
function documentsWithin(value) {
  if (typeof value !== 'object' || value === null) return [];
  if (typeof value.payloadID === 'string' && typeof value.keyId === 'string') return [value];
  return Object.values(value).flatMap(documentsWithin);
}

const fromBase64 = (text) => new TextDecoder().decode(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)));

async function openWorkflow(id) {
  const store = id.split('/')[1];
  if (!store) throw new Error('a workflow id looks like purchaseOrderDelivery/shop/north/0190...');
  const path = '/v1/stores/' + encodeURIComponent(store) + '/workflows/' + encodeURIComponent(id) + '/documents';
  return (await ask('GET', path)).items;
}

/** Takes a sealed document, JSON that holds some, or payloads as Temporal shows them. */
async function openText(text) {
  const given = JSON.parse(text);
  const asPayload = (one) => {
    if (one && one.metadata && typeof one.data === 'string') return one;
    return { metadata: { encoding: toBase64('json/plain') }, data: toBase64(JSON.stringify(one)) };
  };
  const payloads = (Array.isArray(given.payloads) ? given.payloads : [given]).map(asPayload);
  const answer = await ask('POST', '${path}/decode', { payloads });
  return answer.payloads.flatMap((payload) => documentsWithin(JSON.parse(fromBase64(payload.data))));
}

/** In parts, for an argument list has its limits. */
function toBase64(text) {
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  for (let start = 0; start < bytes.length; start += 8192) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return btoa(binary);
}

function act(work) {
  return async (event) => {
    event.preventDefault();
    told.textContent = '';
    shown.replaceChildren();
    try {
      told.textContent = await work();
    } catch (error) {
      told.textContent = error.message;
    }
  };
}

byId('open').addEventListener('submit', act(async () => {
  const what = byId('what').value.trim();
  const documents = what.startsWith('{') || what.startsWith('[') ? await openText(what) : await openWorkflow(what);
  documents.forEach(show);
  return documents.length === 1 ? 'One document.' : documents.length + ' documents.';
}));
byId('session').addEventListener('click', act(async () => {
  await ask('POST', '${path}/session');
  return 'For eight hours the Temporal UI in this browser may open documents.';
}));
byId('leave').addEventListener('click', act(async () => {
  await ask('DELETE', '${path}/session');
  return 'It may no more.';
}));
`;

const BODY = `
<h1>Sealed documents</h1>
<p>Documents between sites are sealed: Temporal and its UI show ids and counts only. With an operator's key of this site
they are opened here.</p>
<form id="open" autocomplete="off">
<label for="key">Operator's key</label>
<input id="key" type="password" autocomplete="off" required placeholder="ek_...">
<label for="what">Workflow id, sealed document, or payload as JSON</label>
<textarea id="what" rows="6" required placeholder="purchaseOrderDelivery/shop/north/..."></textarea>
<button type="submit">Open</button>
<button type="button" id="session">Let the Temporal UI open them</button>
<button type="button" id="leave">Let it no more</button>
</form>
<p>In the Temporal UI: the data encoder's settings, endpoint <code id="endpoint"></code>, with cross-origin credentials.</p>
<p id="told" role="alert"></p>
<div id="shown"></div>
`;

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

export interface Page {
  readonly html: string;
  /** Its Content-Security-Policy. */
  readonly policy: string;
}

/** `path` is where the codec's endpoints are: `path/decode`, `path/session`. */
export function codecPage(path: string): Page {
  const script = scriptFor(path);
  return {
    html:
      '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Entrepot: sealed documents</title>' +
      '<meta name="viewport" content="width=device-width, initial-scale=1">' +
      `<style>${STYLE}</style></head><body>${BODY}<script>${script}</script></body></html>\n`,
    policy: [
      "default-src 'none'",
      `style-src ${hashOf(STYLE)}`,
      `script-src ${hashOf(script)}`,
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}
