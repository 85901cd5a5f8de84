// Calls of the public API about sites, bookings and temporary restrictions: only what
// is loaded later needs these.

import { ask, client, pages, query, revision } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Site = Schemas['Site'];
export type Booking = Schemas['Booking'];
export type BookingInput = Schemas['BookingInput'];
export type Availability = Schemas['Availability'];
export type Slot = Schemas['Slot'];
export type Restriction = Schemas['Restriction'];
export type RestrictionInput = Schemas['RestrictionInput'];

const once = () => ({ 'Idempotency-Key': crypto.randomUUID() });
const of = (o: { id: string; rev: number }) => ({ params: { path: { id: o.id }, header: revision(o.rev) } });

export const sitesApi = {
  sites: () => pages((c) => ask(client.GET('/v1/sites', { params: { query: query(c) } }))),
  availability: (id: string, q: { from: string; to?: string; length_s?: number; units?: number; exclusive?: boolean }) =>
    ask(client.GET('/v1/sites/{id}/availability', { params: { path: { id }, query: q } })),
  bookings: (site_id: string, from: string, to: string) =>
    pages((c) => ask(client.GET('/v1/bookings', { params: { query: { ...query(c), site_id, from, to } } }))),
  booking: (id: string) => ask(client.GET('/v1/bookings/{id}', { params: { path: { id } } })),
  book: (b: BookingInput) => ask(client.POST('/v1/bookings', { params: { header: once() }, body: b })),
  tryBooking: (b: BookingInput) => ask(client.POST('/v1/bookings', { params: { query: { dry_run: true } }, body: b })),
  cancel: (b: Booking) => ask(client.POST('/v1/bookings/{id}/cancel', { ...of(b), body: {} })),
  arrive: (b: Booking) => ask(client.POST('/v1/bookings/{id}/arrival', of(b))),
  decide: (b: Booking, approve: boolean, reason: string) =>
    ask(client.POST('/v1/bookings/{id}/decision', { ...of(b), body: { approve, ...(reason && { reason }) } })),
};

export const restrictionsApi = {
  list: () => pages((c) => ask(client.GET('/v1/restrictions', { params: { query: query(c) } }))),
  publish: (r: RestrictionInput) => ask(client.POST('/v1/restrictions', { params: { header: once() }, body: r })),
  preview: (r: RestrictionInput) => ask(client.POST('/v1/restrictions', { params: { query: { dry_run: true } }, body: r })),
  end: (r: Restriction) => ask(client.POST('/v1/restrictions/{id}/end', { ...of(r), body: {} })),
  acknowledge: (r: Restriction, organisation = '', note = '') =>
    ask(client.POST('/v1/restrictions/{id}/acknowledge', { ...of(r), body: { ...(organisation && { organisation_id: organisation }), ...(note && { note }) } })),
};
