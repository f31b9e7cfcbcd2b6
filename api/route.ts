/** How a route is declared: its schemas validate, and the OpenAPI document is made from the same ones. */
import { type Readable } from 'node:stream';
import { type ZodType, type z } from 'zod';
import { type SiteContext, type StoreSettings } from '../activities/context';
import { type KeyRole } from '../db/api-keys';

/** Roles of API keys (design, section 7); `site` is another site of the same store, shown by a signed token. */
export type Role = KeyRole | 'site';

/** Who runs the shop, as against who buys in it. */
export const STAFF: readonly Role[] = ['integrator', 'operator'];

export interface Caller {
  /** `nobody` has shown nothing. */
  readonly role: Role | 'nobody';
  /** The key's id, or the calling site's name. */
  readonly id: string;
  /** The user groups whose items the key may see, by their ids. */
  readonly groups?: readonly string[];
}

export interface RouteRequest<P, Q, B> {
  readonly context: SiteContext;
  /** The store of the path; elsewhere that of the caller's key. */
  readonly store: StoreSettings;
  readonly caller: Caller;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Header values by lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** The unread body, for routes with `streamBody`. */
  readonly stream: Readable;
  readonly requestId: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON; or text, bytes or a stream when `contentType` is given. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly stream?: Readable;
}

export interface ResponseShape {
  readonly description: string;
  readonly schema?: ZodType;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route<P extends ZodType = ZodType, Q extends ZodType = ZodType, B extends ZodType = ZodType> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With `{name}` parameters, as in OpenAPI. */
  readonly path: string;
  /** The capability: the tag in the OpenAPI document. */
  readonly tag: string;
  readonly operationId: string;
  readonly summary: string;
  /** Who may call; empty for anyone, with no key. */
  readonly roles: readonly Role[];
  /**
   * A browser may call it with the session of api/browser-session.ts for a key. `or-nobody`: the Temporal UI's own pages
   * may call it with nothing at all, and the route sees to it that a nobody gets nothing.
   */
  readonly browser?: 'session' | 'or-nobody';
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The body is not read and not parsed: its media types, and what each holds. */
  readonly streamBody?: Readonly<Record<string, ZodType>>;
  /** Largest body, bytes; a default holds where it is absent. */
  readonly bodyBytesMax?: number;
  /** Request headers that the route reads, with what they are for. */
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly required: boolean }>>;
  /** Takes an Idempotency-Key (design, section 7). */
  readonly idempotent: boolean;
  readonly responses: Readonly<Record<number, ResponseShape>>;
  readonly handle: (request: RouteRequest<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Reply>;
}

/** `text/csv; charset=utf-8` → `text/csv`. */
export function mediaType(contentType: string | undefined): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase();
}

/** Keeps the schemas' types together while a route is declared. */
export function route<P extends ZodType, Q extends ZodType, B extends ZodType>(definition: Route<P, Q, B>): Route {
  return definition;
}
