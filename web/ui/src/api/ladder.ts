// Calls of the public API about what is done about breaches: only the vehicle's card
// needs these.

import { ask, client } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Ladder = Schemas['BreachEnforcement'];
export type LadderStep = Schemas['EnforcementStep'];
export type Ladders = Schemas['EnforcementList'];
export type Decision = Schemas['LadderInput']['decision'];

const path = (id: string) => ({ path: { id } });

export const ladders = {
  of: (id: string, signal: AbortSignal) => ask(client.GET('/v1/vehicles/{id}/enforcement', { params: { ...path(id), query: { limit: 1 } }, signal })),
  decide: (id: string, decision: Decision, reason: string, once: string) =>
    ask(client.POST('/v1/vehicles/{id}/enforcement/decision', { params: { ...path(id), header: { 'Idempotency-Key': once } }, body: { decision, reason } })),
  confirm: (reason: string, once: string) =>
    ask(client.POST('/v1/enforcement/confirm', { params: { header: { 'Idempotency-Key': once } }, body: { reason } })),
};
