// Calls of the public API that change fences or look closer at one: only the panels
// that come later need them.

import { ask, client, pages, query, revision } from './client';
import { href } from './href';
import type { EmergencyInput, Fence, FenceChange, FenceInput, FenceVersion } from './types';

export type FileFormat = 'geojson' | 'kml';

const one = (id: string) => ({ params: { path: { id } } });
const revOf = (id: string, rev: number) => ({ params: { path: { id }, header: revision(rev) } });
/** The page knows a fence's geometry better than a JSON schema can say. */
const asFence = <T>(call: Promise<T>) => call as Promise<unknown> as Promise<Fence>;

export const fences = {
  deleted: () =>
    pages((cursor) => ask(client.GET('/v1/fences', { params: { query: { ...query(cursor), deleted: true } } }))) as Promise<unknown> as Promise<Fence[]>,
  /** All of them or none. */
  change: (changes: FenceChange[]) => ask(client.POST('/v1/fences/batch', { body: { changes } })),
  preview: (fence: FenceInput, replaces?: string) =>
    ask(client.POST('/v1/fences/preview', { body: replaces ? { fence, replaces } : { fence } })),
  emergency: (e: EmergencyInput) => ask(client.POST('/v1/fences/emergency', { body: e })),
  get: (id: string) => asFence(ask(client.GET('/v1/fences/{id}', one(id)))),
  enforcement: (id: string, signal: AbortSignal) => ask(client.GET('/v1/fences/{id}/enforcement', { ...one(id), signal })),
  create: (f: FenceInput) => asFence(ask(client.POST('/v1/fences', { body: f }))),
  replace: (id: string, rev: number, f: FenceInput) => asFence(ask(client.PUT('/v1/fences/{id}', { ...revOf(id, rev), body: f }))),
  delete: (id: string, rev: number) => ask(client.DELETE('/v1/fences/{id}', revOf(id, rev))),
  versions: async (id: string) => (await ask(client.GET('/v1/fences/{id}/versions', one(id)))).items as unknown as FenceVersion[],
  /** Publishes the fence again as it was in revision of; rev is its newest one. */
  restore: (id: string, rev: number, of: number) =>
    asFence(ask(client.POST('/v1/fences/{id}/restore', { ...revOf(id, rev), body: { rev: of } }))),
  import: (file: Blob, format: FileFormat, dryRun: boolean) => ask(client.POST('/v1/fences/import', {
    params: { query: { format, dry_run: dryRun } },
    // To the schema a file is the text that it has.
    body: new Blob([file], { type: file.type || 'application/octet-stream' }) as unknown as string,
  })),
  exportUrl: (format: FileFormat) => href('/v1/fences/export', { format }),
};
