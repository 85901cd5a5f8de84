// Calls of the public API about priority traffic: only what is loaded later needs these.

import { ask, client, revision } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type PriorityTraffic = Schemas['PriorityTraffic'];
export type PriorityInput = Schemas['PriorityInput'];
export type Affected = Schemas['PriorityAffected'];
export type ExitsInput = Schemas['ExitsInput'];
export type ExitOrder = Schemas['ExitOrder'];

const act = () => ({ 'Idempotency-Key': crypto.randomUUID() });

export const priorityApi = {
  list: (signal: AbortSignal) => ask(client.GET('/v1/priority-traffic', { signal })),
  announce: (p: PriorityInput) => ask(client.POST('/v1/priority-traffic', { params: { header: act() }, body: p })),
  preview: (p: PriorityInput) => ask(client.POST('/v1/priority-traffic', { params: { query: { dry_run: true } }, body: p })),
  end: (p: PriorityTraffic) =>
    ask(client.POST('/v1/priority-traffic/{id}/end', { params: { path: { id: p.id }, header: { ...revision(p.rev), ...act() } }, body: {} })),
  /** No vehicles: all that are in its way. */
  order: (id: string, exits: ExitsInput) =>
    ask(client.POST('/v1/priority-traffic/{id}/exits', { params: { path: { id }, header: act() }, body: exits })),
  /** What would become of that. */
  attempt: (id: string, exits: ExitsInput) =>
    ask(client.POST('/v1/priority-traffic/{id}/exits', { params: { path: { id }, query: { dry_run: true } }, body: exits })),
};
