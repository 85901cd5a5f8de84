import { expect, test } from 'vitest';
import type { Booking } from '../api/sites';
import { bookingOf, cellOf, midnights, restrictionOf } from './site-booking';

const at = (h: number) => `2026-12-01T${String(h).padStart(2, '0')}:00:00.000Z`;
const hour = (h: number) => ({ from: Date.parse(at(h)), to: Date.parse(at(h + 1)) });
const when = { open: [{ from: at(8), to: at(18) }], taken: [{ from: at(9), to: at(11), units: 1 }, { from: at(11), to: at(12), units: 2 }] };

test('an hour is closed, free, taken in part or full, and says which is one’s own', () => {
  const own = [{ from: at(9), to: at(10) }] as Booking[];
  const states = [7, 8, 9, 11, 18].map((h) => cellOf(hour(h), { capacity: 2 }, when, own));
  expect(states.map((c) => c.state)).toEqual(['closed', 'free', 'some', 'full', 'closed']);
  expect(states.map((c) => c.mine)).toEqual([false, false, true, false, false]);
});

test('a week has its midnights in the time of the zone, over a change of the clock too', () => {
  const days = midnights('2026-10-19', 'Europe/Berlin');
  expect(days).toHaveLength(8);
  expect(days[6]! - days[5]!).toBe(24 * 3_600_000);
  expect(days[7]! - days[6]!).toBe(25 * 3_600_000); // 25 October: an hour more
});

test('a form asks for nothing while a field is no number', () => {
  const form = { from: '2026-12-01T09:00', hours: '1.5', units: '1', exclusive: false, weeks: '1', purpose: '' };
  expect(bookingOf(form, 'st_1', 'Asia/Shanghai')).toMatchObject({ from: '2026-12-01T01:00:00.000Z', to: '2026-12-01T02:30:00.000Z' });
  for (const wrong of [{ hours: 'x' }, { hours: '0' }, { units: '' }, { from: '' }]) expect(bookingOf({ ...form, ...wrong }, 'st_1', 'Asia/Shanghai')).toBeNull();
});

test('a restriction begins at once when its begin is left out', () => {
  const form = { name: ' Fire ', kind: 'urgent' as const, lat: '30.9', lon: '121.9', radius: '300', from: '', hours: '2' };
  const got = restrictionOf(form, 'Asia/Shanghai', Date.parse(at(1)));
  expect(got).toMatchObject({ name: 'Fire', to: at(3), radius_m: 300 });
  expect(got).not.toHaveProperty('from');
  expect(restrictionOf({ ...form, name: ' ' }, 'Asia/Shanghai', 0)).toBeNull();
  expect(restrictionOf({ ...form, radius: '' }, 'Asia/Shanghai', 0)).toBeNull();
});
