// Where a vehicle is about to be sent: chosen on its card and on the map, looked at by
// the server, drawn by the map. One vehicle at a time.

import { batch, signal } from '@preact/signals';
import type { Way } from '../api/orders';
import type { LonLat } from '../fence/shape';
import { onLeave, picking } from './modes';

export interface GoTo { id: string; lat: string; lon: string; height: string; datum: 'takeoff' | 'amsl' }

/** What stands in the form; null: nobody is being sent anywhere. */
export const goingTo = signal<GoTo | null>(null);
/** What the newest look found, and of what it is. */
export const looked = signal<{ key: string; way: Way | null; failure: unknown } | null>(null);

const number = (text: string): number => (text.trim() === '' ? NaN : Number(text));

/** The place that the form says; null: it says none. */
export function placeOf(g: GoTo, flies: boolean): { lat: number; lon: number; height?: { m: number; datum: GoTo['datum'] } } | null {
  const [lat, lon, m] = [number(g.lat), number(g.lon), number(g.height)];
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) return null;
  if (!flies) return { lat, lon };
  return m >= -1_000 && m <= 100_000 ? { lat, lon, height: { m, datum: g.datum } } : null;
}

export function change(part: Partial<GoTo>): void {
  const g = goingTo.peek();
  if (g) goingTo.value = { ...g, ...part };
}

const put = ([lon, lat]: LonLat) => change({ lon: lon.toFixed(6), lat: lat.toFixed(6) });

/** The next place that is pointed at on the map is the target. */
export function point(): void {
  picking.value = (at) => batch(() => {
    picking.value = null;
    put(at);
  });
}

const METRES_PER_DEGREE = 111_320;

/** Moves the target some metres north and east. */
export function nudge(north: number, east: number): void {
  const g = goingTo.peek();
  const [lat, lon] = [number(g?.lat ?? ''), number(g?.lon ?? '')];
  if (!g || Number.isNaN(lat) || Number.isNaN(lon)) return;
  put([lon + east / (METRES_PER_DEGREE * Math.cos(lat * Math.PI / 180)), lat + north / METRES_PER_DEGREE]);
}

/** Ends it; of a vehicle: only if it is that one. */
export function endGoTo(id?: string): boolean {
  if (!goingTo.peek() || (id && goingTo.peek()!.id !== id)) return false;
  batch(() => {
    goingTo.value = null;
    looked.value = null;
    picking.value = null;
  });
  return true;
}

onLeave(() => {
  if (!picking.peek()) return endGoTo();
  picking.value = null;
  return true;
});
