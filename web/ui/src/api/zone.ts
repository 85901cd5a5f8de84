// Calls of the public API about the state of the zone and who is on duty: only the
// page about them needs these.

import { ask, client, revision } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type ZoneStatus = Schemas['ZoneState'];
export type StateName = ZoneStatus['state'];
export type Board = Schemas['ComplianceBoard'];
export type Compliance = Schemas['VehicleCompliance'];
export type DutyBoard = Schemas['DutyBoard'];
export type Duty = Schemas['Duty'];

const act = () => ({ 'Idempotency-Key': crypto.randomUUID() });
const one = (id: string) => ({ params: { path: { id } } });
const oneAct = (id: string) => ({ params: { path: { id }, header: act() } });

export const zoneApi = {
  state: (signal: AbortSignal) => ask(client.GET('/v1/zone/state', { signal })),
  /** rev: for a step back towards open; the safe direction needs none. */
  setState: (state: StateName, reason: string, rev: number) =>
    ask(client.PUT('/v1/zone/state', { params: { header: revision(rev) }, body: { state, reason } })),
  board: (signal: AbortSignal) => ask(client.GET('/v1/zone/compliance', { signal })),
  duty: (signal: AbortSignal) => ask(client.GET('/v1/duty', { signal })),
  signOn: (sectors: string[]) => ask(client.POST('/v1/duty', { params: { header: act() }, body: { sectors } })),
  signOff: (id: string) => ask(client.DELETE('/v1/duty/{id}', one(id))),
  offer: (id: string, to: string) => ask(client.POST('/v1/duty/{id}/handover', { ...oneAct(id), body: { to } })),
  withdraw: (id: string) => ask(client.DELETE('/v1/duty/{id}/handover', one(id))),
  take: (id: string, digest: string) => ask(client.POST('/v1/duty/{id}/take', { ...oneAct(id), body: { digest } })),
};
