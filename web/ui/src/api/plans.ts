// Calls of the public API about the plans that a vehicle carries: only its card
// needs these.

import { ask, client } from './client';
import { href } from './href';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Plan = Schemas['Plan'];
export type PlanAnswer = Schemas['PlanAnswer'];
export type PlanFault = Schemas['PlanFault'];
export type PlanFile = Schemas['PlanFile'];
export type PlanItem = Schemas['PlanItem'];
export type PlanInput = Schemas['PlanInput'];
export type PlanKind = Plan['kind'];

const at = (id: string, kind: PlanKind) => ({ path: { id, kind } });

export const plans = {
  one: (id: string, kind: PlanKind, signal: AbortSignal) => ask(client.GET('/v1/vehicles/{id}/plans/{kind}', { params: at(id, kind), signal })),
  of: (id: string, signal: AbortSignal) => ask(client.GET('/v1/vehicles/{id}/plans', { params: { path: { id } }, signal })),
  put: (id: string, kind: PlanKind, plan: PlanInput) => ask(client.PUT('/v1/vehicles/{id}/plans/{kind}', { params: at(id, kind), body: plan })),
  attempt: (id: string, kind: PlanKind, plan: PlanInput) =>
    ask(client.PUT('/v1/vehicles/{id}/plans/{kind}', { params: { ...at(id, kind), query: { dry_run: true } }, body: plan })),
  clear: (id: string, kind: PlanKind, moving: boolean) =>
    ask(client.DELETE('/v1/vehicles/{id}/plans/{kind}', { params: { ...at(id, kind), query: moving ? { moving } : {} } })),
  read: (id: string, kind: PlanKind) => ask(client.POST('/v1/vehicles/{id}/plans/{kind}/read-back', { params: at(id, kind) })),
};

/** Files of ground stations: .plan of QGroundControl and QGC WPL 110. */
export const planFiles = {
  read: (id: string, file: Blob) => ask(client.POST('/v1/vehicles/{id}/plans/file', {
    params: { path: { id } },
    body: new Blob([file], { type: 'application/octet-stream' }) as unknown as string,
  })),
  url: (id: string) => href('/v1/vehicles/{id}/plans/file', { format: 'plan' }).replace('{id}', encodeURIComponent(id)),
};
