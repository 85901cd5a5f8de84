// What the forms of sites and restrictions ask, and what the calendar shows.

import type { Availability, Booking, BookingInput, RestrictionInput, Site, Slot } from '../api/sites';
import { zoneInstant } from '../fence/schedule';

export const HOUR_MS = 3_600_000;
const iso = (at: number) => new Date(at).toISOString();

/** Of a week of the calendar. */
export const DAYS = 7;

interface Span { from: number; to: number }
const spanOf = (s: Slot): Span => ({ from: Date.parse(s.from), to: Date.parse(s.to) });
const meets = (a: Span, b: Span) => a.from < b.to && b.from < a.to;

export type CellState = 'closed' | 'full' | 'some' | 'free';
export interface Cell { from: number; state: CellState; units: number; mine: boolean }

/** What an hour of the calendar shows. */
export function cellOf(hour: Span, site: Pick<Site, 'capacity'>, when: Pick<Availability, 'open' | 'taken'>, own: readonly Booking[]): Cell {
  const units = Math.max(0, ...(when.taken ?? []).filter((x) => meets(hour, spanOf(x))).map((x) => x.units));
  const open = (when.open ?? []).some((x) => meets(hour, spanOf(x)));
  return {
    from: hour.from, units, mine: own.some((b) => meets(hour, spanOf(b))),
    state: !open ? 'closed' : units >= site.capacity ? 'full' : units > 0 ? 'some' : 'free',
  };
}

/** Midnights of the week that a date of the zone begins, and the end of it. */
export function midnights(date: string, tz: string): number[] {
  const [y, m, d] = date.split('-').map(Number) as [number, number, number];
  return Array.from({ length: DAYS + 1 }, (_, i) => zoneInstant(`${new Date(Date.UTC(y, m - 1, d + i)).toISOString().slice(0, 10)}T00:00`, tz));
}

export interface BookingForm { from: string; hours: string; units: string; exclusive: boolean; weeks: string; purpose: string }

/** What the form asks; null: a field is no time or number. */
export function bookingOf(f: BookingForm, site: string, tz: string): BookingInput | null {
  const from = zoneInstant(f.from, tz);
  const [hours, units, weeks] = [f.hours, f.units, f.weeks].map((v) => (v.trim() === '' ? NaN : Number(v))) as [number, number, number];
  if (![from, hours, units, weeks].every(Number.isFinite) || hours <= 0) return null;
  return { site_id: site, from: iso(from), to: iso(from + hours * HOUR_MS), units, exclusive: f.exclusive, weeks, purpose: f.purpose };
}

export interface RestrictionForm { name: string; kind: RestrictionInput['kind']; lat: string; lon: string; radius: string; from: string; hours: string }

/** What the form asks, now being the server's time; null: a field is no time or number. */
export function restrictionOf(f: RestrictionForm, tz: string, now: number): RestrictionInput | null {
  const numbers = [f.lat, f.lon, f.radius, f.hours].map((v) => (v.trim() === '' ? NaN : Number(v))) as [number, number, number, number];
  const from = f.from === '' ? now : zoneInstant(f.from, tz);
  if (f.name.trim() === '' || ![...numbers, from].every(Number.isFinite)) return null;
  const [lat, lon, radius, hours] = numbers;
  return {
    name: f.name.trim(), kind: f.kind, response: 'warn', geometry: { type: 'Point', coordinates: [lon, lat] } as unknown as RestrictionInput['geometry'], radius_m: radius,
    ...(f.from !== '' && { from: iso(from) }), to: iso(from + hours * HOUR_MS),
  };
}
