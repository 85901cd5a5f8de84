// The public HTTP API, as the page uses it. Every call answers a value or throws
// an ApiError with the code of the problem document.

import type { Client } from 'openapi-fetch';
import type { paths } from './schema';
import type {
  Alert, EmergencyInput, Fence, FenceChange, FenceEnforcement, FenceInput, FencePreview, FenceVersion, ImportReport, Problem, Session, SignIn, Track, Zone,
} from './types';

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

interface Answered { data?: unknown; error?: unknown; response: Response }
interface Call {
  params?: { path?: Record<string, string>; query?: Record<string, string | number | boolean | undefined>; header?: Record<string, string> };
  body?: unknown;
  signal?: AbortSignal;
}

/**
 * What openapi-fetch does at run time, as far as this page needs it: its types
 * cost nothing, its code would be 2.3 kB gzip of the first load.
 */
const send = (method: string) => async (path: string, { params = {}, body, signal }: Call): Promise<Answered> => {
  const url = new URL(path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params.path?.[name] ?? '')), location.origin);
  for (const [k, v] of Object.entries(params.query ?? {})) if (v !== undefined) url.searchParams.set(k, String(v));
  const headers = new Headers(params.header);
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  const response = await fetch(url, {
    method, credentials: 'same-origin', headers, body: body === undefined ? null : JSON.stringify(body), signal: signal ?? null,
  });
  const text = await response.text();
  if (response.ok) return { response, data: text ? JSON.parse(text) : undefined };
  // A proxy's error page is no problem document.
  return { response, error: /json/.test(response.headers.get('Content-Type') ?? '') ? JSON.parse(text) : undefined };
};

type Typed = Pick<Client<paths>, 'GET' | 'POST' | 'PUT' | 'DELETE'>;
export const client = { GET: send('GET'), POST: send('POST'), PUT: send('PUT'), DELETE: send('DELETE') } as unknown as Typed;

// The page's types are narrower than a JSON schema can say (tuples, GeoJSON), so
// the answer is cast here and nowhere else.
export async function ask<T>(call: Promise<Answered>): Promise<T> {
  let r: Answered;
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

/** Sends a file as it is; the typed client would make JSON of it. */
async function sendFile<T>(path: string, file: Blob): Promise<T> {
  const answer = async (): Promise<Answered> => {
    const type = file.type || 'application/octet-stream';
    const response = await fetch(path, { method: 'POST', credentials: 'same-origin', headers: { 'Content-Type': type }, body: file });
    const body: unknown = await response.json().catch(() => undefined);
    return { response, data: body, error: body };
  };
  return ask<T>(answer());
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

export type FileFormat = 'geojson' | 'kml';

export const query = (cursor: string | undefined) => (cursor ? { limit: 200, cursor } : { limit: 200 });

export const api = {
  signIn: (by: SignIn): Promise<Session> => ask(client.POST('/v1/session', { body: by })),
  session: (): Promise<Session> => ask(client.GET('/v1/session', {})),
  signOut: (): Promise<unknown> => ask(client.DELETE('/v1/session', {})),
  zone: (): Promise<Zone> => ask(client.GET('/v1/zone', {})),
  fences: (): Promise<Fence[]> =>
    pages((cursor) => ask(client.GET('/v1/fences', { params: { query: query(cursor) } }))),
  deletedFences: (): Promise<Fence[]> =>
    pages((cursor) => ask(client.GET('/v1/fences', { params: { query: { ...query(cursor), deleted: true } } }))),
  /** All of them or none. */
  changeFences: (changes: FenceChange[]): Promise<unknown> => ask(client.POST('/v1/fences/batch', { body: { changes } })),
  fence: (id: string): Promise<Fence> => ask(client.GET('/v1/fences/{id}', { params: { path: { id } } })),
  fenceEnforcement: (id: string, signal: AbortSignal): Promise<FenceEnforcement> =>
    ask(client.GET('/v1/fences/{id}/enforcement', { params: { path: { id } }, signal })),
  createFence: (f: FenceInput): Promise<Fence> => ask(client.POST('/v1/fences', { body: f })),
  replaceFence: (id: string, rev: number, f: FenceInput): Promise<Fence> =>
    ask(client.PUT('/v1/fences/{id}', { params: { path: { id }, header: revision(rev) }, body: f })),
  deleteFence: (id: string, rev: number): Promise<unknown> =>
    ask(client.DELETE('/v1/fences/{id}', { params: { path: { id }, header: revision(rev) } })),
  previewFence: (fence: FenceInput, replaces?: string): Promise<FencePreview> =>
    ask(client.POST('/v1/fences/preview', { body: replaces ? { fence, replaces } : { fence } })),
  fenceVersions: async (id: string): Promise<FenceVersion[]> =>
    (await ask<{ items: FenceVersion[] | null }>(client.GET('/v1/fences/{id}/versions', { params: { path: { id } } }))).items ?? [],
  /** Publishes the fence again as it was in revision of; rev is its newest one. */
  restoreFence: (id: string, rev: number, of: number): Promise<Fence> =>
    ask(client.POST('/v1/fences/{id}/restore', { params: { path: { id }, header: revision(rev) }, body: { rev: of } })),
  emergencyFence: (e: EmergencyInput): Promise<Fence> => ask(client.POST('/v1/fences/emergency', { body: e })),
  importFences: (file: Blob, format: FileFormat, dryRun: boolean): Promise<ImportReport> =>
    sendFile(`/v1/fences/import?format=${format}&dry_run=${dryRun}`, file),
  exportUrl: (format: FileFormat): string => `/v1/fences/export?format=${format}`,
  openAlerts: (): Promise<Alert[]> =>
    pages((cursor) => ask(client.GET('/v1/alerts', { params: { query: { ...query(cursor), state: 'open' } } }))),
  track: (id: string, signal: AbortSignal): Promise<Track> =>
    ask(client.GET('/v1/tracks/{id}', { params: { path: { id } }, signal })),
  acknowledge: (id: string): Promise<Alert> =>
    ask(client.POST('/v1/alerts/{id}/acknowledge', { params: { path: { id } }, body: {} })),
};
