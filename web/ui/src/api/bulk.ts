// Calls of the public API about orders to many vehicles and calls to contacts: only the
// zone's page needs these.

import { ask, client } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type BulkOrder = Schemas['BulkOrder'];
export type BulkItem = Schemas['BulkItem'];
export type BulkInput = Schemas['BulkInput'];
export type BulkKind = BulkInput['kind'];
export type OpenCall = Schemas['OpenCall'];
export type Outcome = Schemas['CallInput']['outcome'];

export const bulkApi = {
  preview: (o: BulkInput) => ask(client.POST('/v1/orders', { params: { query: { dry_run: true } }, body: o })),
  /** once: names the press, so that its repetition after a lost answer orders nothing again. */
  give: (o: BulkInput, once: string) => ask(client.POST('/v1/orders', { params: { header: { 'Idempotency-Key': once } }, body: o })),
  list: (signal: AbortSignal) => ask(client.GET('/v1/bulk-orders', { params: { query: { limit: 5 } }, signal })),
  one: (id: string, signal: AbortSignal) => ask(client.GET('/v1/bulk-orders/{id}', { params: { path: { id } }, signal })),
  cancel: (id: string) => ask(client.DELETE('/v1/bulk-orders/{id}', { params: { path: { id } } })),
  calls: (signal: AbortSignal) => ask(client.GET('/v1/calls', { signal })),
  called: (vehicle: string, outcome: Outcome, note: string) =>
    ask(client.POST('/v1/vehicles/{id}/call', { params: { path: { id: vehicle } }, body: { outcome, ...(note && { note }) } })),
};
