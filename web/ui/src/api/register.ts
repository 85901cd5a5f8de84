// Calls of the public API about registered vehicles, their keys and gateways: only
// the pages about them need these.

import { ask, client, pages, query, revision } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type RegisteredVehicle = Schemas['Vehicle'];
export type VehicleInput = Schemas['VehicleInput'];
export type NewVehicle = Schemas['NewVehicle'];
export type VehicleLink = Schemas['VehicleLink'];
export type MavlinkAddress = Schemas['MAVLinkAddress'];
export type LostLink = Schemas['LostLink'];
export type KnownLostLink = Schemas['KnownLostLink'];
export type Contact = Schemas['Contact'];
export type VehicleKey = Schemas['VehicleKey'];
export type Gateway = Schemas['Gateway'];
export type NewGateway = Schemas['NewGateway'];
export type GatewayChange = Schemas['GatewayChange'];
export type Listener = Schemas['Listener'];

const one = (id: string) => ({ params: { path: { id } } });
const revOf = (o: { id: string; rev: number }) => ({ params: { path: { id: o.id }, header: revision(o.rev) } });
/** once: names an act, so that its repetition after a lost answer does nothing again. */
const act = (once: string) => ({ header: { 'Idempotency-Key': once } });

export const register = {
  vehicles: (withdrawn: boolean) =>
    pages((c) => ask(client.GET('/v1/vehicles', { params: { query: { ...query(c), ...(withdrawn && { withdrawn }) } } }))),
  vehicle: (id: string) => ask(client.GET('/v1/vehicles/{id}', one(id))),
  add: (v: NewVehicle, once: string) => ask(client.POST('/v1/vehicles', { params: act(once), body: v })),
  replace: (v: RegisteredVehicle, to: VehicleInput) => ask(client.PUT('/v1/vehicles/{id}', { ...revOf(v), body: to })),
  withdraw: (v: RegisteredVehicle) => ask(client.DELETE('/v1/vehicles/{id}', revOf(v))),
  setContact: (id: string, c: Contact) => ask(client.PUT('/v1/vehicles/{id}/contact', { ...one(id), body: c })),
  keys: async (id: string): Promise<VehicleKey[]> => (await ask(client.GET('/v1/vehicles/{id}/keys', one(id)))).items ?? [],
  addKey: (id: string, secret: string, once: string) =>
    ask(client.POST('/v1/vehicles/{id}/keys', { params: { path: { id }, ...act(once) }, body: secret ? { secret } : {} })),
  rotate: (id: string) => ask(client.POST('/v1/vehicles/{id}/keys/rotate', one(id))),
  revokeKey: (id: string, key: string, reason: string) =>
    ask(client.POST('/v1/vehicles/{id}/keys/{key}/revoke', { params: { path: { id, key } }, body: reason ? { reason } : {} })),
  gateways: (retired: boolean) =>
    pages((c) => ask(client.GET('/v1/gateways', { params: { query: { ...query(c), ...(retired && { retired }) } } }))),
  enrol: (g: NewGateway, once: string) => ask(client.POST('/v1/gateways', { params: act(once), body: g })),
  replaceGateway: (g: Gateway, to: GatewayChange) => ask(client.PUT('/v1/gateways/{id}', { ...revOf(g), body: to })),
  revokeGateway: (g: Gateway) => ask(client.DELETE('/v1/gateways/{id}', revOf(g))),
  listeners: async (): Promise<Listener[]> => (await ask(client.GET('/v1/health', {}))).listeners ?? [],
};
