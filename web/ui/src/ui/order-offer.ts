// What may be ordered of a vehicle, what it is under, and the steps of an order. The
// server holds the rules; what is offered here is what it would not refuse at once.

import type { Lease, Order, OrderInput, VehicleOrders } from '../api/orders';
import type { Actor, Track } from '../api/types';
import { parseTime, shortAge } from '../state/clock';

export type Kind = OrderInput['kind'];
type Body = 'hovers' | 'wing' | 'ground' | 'boat';

// MAV_TYPE
const BODIES: readonly (readonly [Track['class'], Body, readonly number[]])[] = [
  ['uav', 'hovers', [2, 3, 4, 13, 14, 15, 29, 35, 19, 20, 21, 22, 23, 24, 25]],
  ['uav', 'wing', [1]],
  ['icv', 'ground', [10]],
  ['usv', 'boat', [11]],
];
// The safest first, as the server ranks them.
const CAN: Record<Body, readonly Kind[]> = {
  hovers: ['hold', 'stop', 'return', 'land'],
  wing: ['hold', 'return'],
  ground: ['stop', 'hold', 'return'],
  boat: ['hold', 'stop', 'return'],
};

/** The orders of safe direction; none of what says that it is another thing than it is registered as. */
export function offered(v: Pick<Track, 'class' | 'phase'> & { source: Pick<Track['source'], 'mav_type'> }): readonly Kind[] {
  const body = BODIES.find(([cls, , types]) => cls === v.class && types.includes(v.source.mav_type))?.[1];
  const can = body ? CAN[body] : [];
  return v.phase === 'parked' ? can.filter((k) => k === 'hold' || k === 'stop') : can;
}

/** Whether it can be sent to a point: not a car, nobody knows the lanes between. */
export const goesTo = (v: Parameters<typeof offered>[0]): boolean => v.class !== 'icv' && v.phase !== 'parked' && offered(v).length > 0;

/** The order that a vehicle is under: that of safe direction which no RESUME has ended. items: newest first. */
export function stopOf(items: readonly Order[]): Order | null {
  for (const o of items) {
    if (o.state === 'refused') continue;
    if (o.kind !== 'resume') return o;
    if (o.state === 'in_effect') return null;
  }
  return null;
}

export interface Me { person: string; zone: boolean }

/** Whose hand the session would be on a vehicle of an operator; null: it may not order it. */
export function handOf(a: Pick<Actor, 'id' | 'person' | 'organisation' | 'scopes'> | null, operator: string): Me | null {
  if (!a?.scopes?.includes('vehicle.command')) return null;
  const zone = a.scopes.includes('zone.control');
  return zone || a.organisation === operator ? { person: a.person || a.id, zone } : null;
}

/** The order that RESUME may end now. Of somebody else's: by who took the control over. */
export function endable(items: readonly Order[], lease: Lease | null, me: Me): Order | null {
  const o = stopOf(items);
  const stands = o?.state === 'in_effect' || o?.kind === 'reposition' && o.state === 'accepted' && o.under_way_at !== null;
  if (!o || !stands || o.kind === 'land' || o.kind === 'terminate') return null;
  if (o.zone && !me.zone) return null;
  return o.person === me.person || lease?.holder === me.person ? o : null;
}

export const latencyText = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : shortAge(ms));

export interface Step { state: Order['state'] | 'under_way'; at: string; afterMs: number }

/** What has become of an order, and how long after it was asked. */
export function stepsOf(o: Order): Step[] {
  const from = parseTime(o.asked_at);
  const step = (state: Step['state'], at: string | null): Step[] => (at ? [{ state, at, afterMs: parseTime(at) - from }] : []);
  const done: Step[] = [...step('asked', o.asked_at), ...step('sent', o.sent_at), ...step('accepted', o.accepted_at), ...step('under_way', o.under_way_at)];
  // One that was given up may have its effect later.
  return [...done, ...step('in_effect', o.effect_at), ...(o.open || o.state === 'in_effect' ? [] : step(o.state, o.ended_at))].sort((a, b) => a.afterMs - b.afterMs);
}

/** Whether news of the live channel are about a vehicle. */
export const concerns = (id: string, news: readonly Order[], leases: readonly Lease[]): boolean =>
  news.some((o) => o.vehicle_id === id) || leases.some((l) => l.vehicle_id === id);

/** As many as the panel asks for. */
const KEPT = 20;

/** The orders of a vehicle with news of the live channel, newest first. */
export function withNews(id: string, have: VehicleOrders, news: readonly Order[], leases: readonly Lease[]): VehicleOrders {
  const fresh = news.filter((o) => o.vehicle_id === id);
  const items = [...fresh, ...(have.items ?? []).filter((o) => fresh.every((f) => f.id !== o.id))]
    .sort((a, b) => parseTime(b.asked_at) - parseTime(a.asked_at))
    .slice(0, KEPT);
  const lease = leases.find((l) => l.vehicle_id === id);
  return { ...have, items, lease: lease ? (lease.holder ? lease : null) : have.lease };
}
