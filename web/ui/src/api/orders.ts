// Calls of the public API about orders to a vehicle and who has its control: only
// the vehicle's card needs these.

import { ask, client } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Order = Schemas['Order'];
export type OrderInput = Schemas['OrderInput'];
export type Lease = Schemas['Lease'];
export type Way = Schemas['Way'];
export type WayFence = Schemas['WayFence'];
export type VehicleOrders = Schemas['VehicleOrders'];

const path = (id: string) => ({ path: { id } });

export const orders = {
  /** The newest few, which hold what a vehicle is under now. */
  of: (id: string) => ask(client.GET('/v1/vehicles/{id}/orders', { params: { ...path(id), query: { limit: 20 } } })),
  /** once: names the press, so that its repetition after a lost answer orders nothing again. */
  give: (id: string, o: OrderInput, once: string) =>
    ask(client.POST('/v1/vehicles/{id}/orders', { params: { ...path(id), header: { 'Idempotency-Key': once } }, body: o })),
  attempt: (id: string, o: OrderInput) =>
    ask(client.POST('/v1/vehicles/{id}/orders', { params: { ...path(id), query: { dry_run: true } }, body: o })),
  /** What would become of it on its way to a place. */
  way: (id: string, to: { lat: number; lon: number; height?: { m: number; datum: 'takeoff' | 'amsl' } }, signal: AbortSignal) =>
    ask(client.GET('/v1/vehicles/{id}/way', {
      params: { ...path(id), query: { lat: to.lat, lon: to.lon, ...(to.height && { height_m: to.height.m, datum: to.height.datum }) } }, signal,
    })),
  takeLease: (id: string, reason: string, takeOver: boolean) =>
    ask(client.PUT('/v1/vehicles/{id}/lease', { params: path(id), body: { ...(reason && { reason }), ...(takeOver && { take_over: true }) } })),
  giveUpLease: (id: string) => ask(client.DELETE('/v1/vehicles/{id}/lease', { params: path(id) })),
};
