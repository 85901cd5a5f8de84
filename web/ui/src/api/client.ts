// The public HTTP API, as the page uses it. Path, method, parameters, body and
// answer of every call are those of the generated types, and no path stands
// elsewhere. A call answers a value or throws an ApiError with the code of the
// problem document. What only later panels ask for stands in files of its own.

import type { Client } from 'openapi-fetch';
import type { paths } from './schema';
import type { Fence, Problem, SignIn, Zone } from './types';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    /** 0: the server could not be reached. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterS = 0,
    /** Every fault of the request, with its place. */
    readonly faults: readonly { location?: string; message: string }[] = [],
  ) {
    super(message);
  }
}

interface Answered<T> { data?: T; error?: unknown; response: Response }
interface Call {
  params?: { path?: Record<string, string>; query?: Record<string, string | number | boolean | undefined>; header?: Record<string, string> };
  body?: unknown;
  signal?: AbortSignal;
}

/**
 * What openapi-fetch does at run time, as far as this page needs it: its types
 * cost nothing, its code would be 2.3 kB gzip of the first load.
 */
const send = (method: string) => async (path: string, { params = {}, body, signal }: Call): Promise<Answered<unknown>> => {
  const url = new URL(path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params.path?.[name] ?? '')), location.origin);
  for (const [k, v] of Object.entries(params.query ?? {})) if (v !== undefined) url.searchParams.set(k, String(v));
  const headers = new Headers(params.header);
  const file = body instanceof Blob; // it is sent as it is, under its own type
  if (body !== undefined && !file) headers.set('Content-Type', 'application/json');
  const response = await fetch(url, {
    method, credentials: 'same-origin', headers, body: file ? body : body === undefined ? null : JSON.stringify(body), signal: signal ?? null,
  });
  const text = await response.text();
  if (response.ok) return { response, data: text ? JSON.parse(text) : undefined };
  // A proxy's error page is no problem document.
  return { response, error: /json/.test(response.headers.get('Content-Type') ?? '') ? JSON.parse(text) : undefined };
};

type Typed = Pick<Client<paths>, 'GET' | 'POST' | 'PUT' | 'DELETE'>;
export const client = { GET: send('GET'), POST: send('POST'), PUT: send('PUT'), DELETE: send('DELETE') } as unknown as Typed;

/**
 * The value of an answer, of the type that openapi.yaml says. Where the page's type
 * is narrower than a JSON schema can be (tuples, GeoJSON) the call casts it.
 */
export async function ask<T>(call: Promise<Answered<T>>): Promise<T> {
  let r: Answered<T>;
  try {
    r = await call;
  } catch (err) {
    throw new ApiError(0, 'network', err instanceof Error ? err.message : String(err));
  }
  if (r.response.ok) return r.data as T;
  const p = (typeof r.error === 'object' && r.error !== null ? r.error : {}) as Problem;
  const status = r.response.status;
  throw new ApiError(
    status,
    p.code ?? String(status),
    p.detail ?? p.title ?? `HTTP ${status}`,
    Number(r.response.headers.get('Retry-After') ?? 0) || 0,
    p.errors ?? [],
  );
}

export const revision = (rev: number) => ({ 'If-Match': `"${rev}"` });

/** All pages of a list. */
export async function pages<T>(page: (cursor?: string) => Promise<{ items: T[] | null; next?: string | null }>): Promise<T[]> {
  const out: T[] = [];
  let cursor: string | undefined;
  do {
    const p = await page(cursor);
    out.push(...(p.items ?? []));
    cursor = p.next ?? undefined;
  } while (cursor);
  return out;
}

export const query = (cursor: string | undefined) => (cursor ? { limit: 200, cursor } : { limit: 200 });

export const api = {
  signInWays: () => ask(client.GET('/v1/session/ways', {})),
  signIn: (by: SignIn) => ask(client.POST('/v1/session', { body: by })),
  session: () => ask(client.GET('/v1/session', {})),
  signOut: () => ask(client.DELETE('/v1/session', {})),
  zone: () => ask(client.GET('/v1/zone', {})) as Promise<unknown> as Promise<Zone>,
  fences: () =>
    pages((cursor) => ask(client.GET('/v1/fences', { params: { query: query(cursor) } }))) as Promise<unknown> as Promise<Fence[]>,
  openAlerts: () => pages((cursor) => ask(client.GET('/v1/alerts', { params: { query: { ...query(cursor), state: 'open' } } }))),
  acknowledge: (id: string) => ask(client.POST('/v1/alerts/{id}/acknowledge', { params: { path: { id } }, body: {} })),
};
