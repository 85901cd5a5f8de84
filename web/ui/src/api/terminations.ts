// Calls of the public API about the end of a flight: only the vehicle's card needs these.

import { ask, client } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Termination = Schemas['Termination'];
export type Terminations = Schemas['Terminations'];
export type TerminationInput = Schemas['TerminationInput'];
export type Prospect = Schemas['Prospect'];

const path = (id: string) => ({ path: { id } });
const at = (p: Termination) => ({ path: { id: p.vehicle_id, termination: p.id } });

export const terminations = {
  of: (id: string, signal: AbortSignal) => ask(client.GET('/v1/vehicles/{id}/terminations', { params: path(id), signal })),
  /** once: names what was typed, so that its repetition after a lost answer proposes nothing again. */
  propose: (id: string, body: TerminationInput, once: string) =>
    ask(client.POST('/v1/vehicles/{id}/terminations', { params: { ...path(id), header: { 'Idempotency-Key': once } }, body })),
  attempt: (p: Termination, vehicle: string) =>
    ask(client.POST('/v1/vehicles/{id}/terminations/{termination}/confirm', { params: { ...at(p), query: { dry_run: true } }, body: { vehicle } })),
  confirm: (p: Termination, vehicle: string, once: string) =>
    ask(client.POST('/v1/vehicles/{id}/terminations/{termination}/confirm', { params: { ...at(p), header: { 'Idempotency-Key': once } }, body: { vehicle } })),
  withdraw: (p: Termination) => ask(client.DELETE('/v1/vehicles/{id}/terminations/{termination}', { params: at(p) })),
};
