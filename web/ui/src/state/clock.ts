// The server's clock, followed through the time stamps of frames. The wall clock
// of the client is never shown as time of the zone.

import { signal } from '@preact/signals';
import { lang } from '../i18n';
import { now, type MonoMs, type UnixMs } from '../units';

const offset = signal<number | null>(null);
export const zoneTz = signal('Asia/Shanghai');

/** Takes the stamp of a frame. The least delayed frame of late decides. */
export function syncClock(serverTimeUs: number, receivedAt: MonoMs): void {
  const seen = serverTimeUs / 1000 - receivedAt;
  const have = offset.peek();
  // Delay only makes a stamp look older: take larger offsets at once, creep to smaller.
  if (have === null || seen > have || have - seen > 2_000) offset.value = seen;
  else offset.value = have + (seen - have) * 0.01;
}

export const serverTime = (at: MonoMs = now()): UnixMs | null =>
  offset.peek() === null ? null : ((offset.peek()! + at) as UnixMs);

export const toMono = (t: UnixMs): MonoMs | null =>
  offset.peek() === null ? null : ((t - offset.peek()!) as MonoMs);

const formats = new Map<string, Intl.DateTimeFormat>();
function format(tz: string, withDate: boolean): Intl.DateTimeFormat {
  const key = `${lang.value}|${tz}|${withDate}`;
  let f = formats.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat(lang.value, {
      timeZone: tz,
      hourCycle: 'h23',
      hour: '2-digit', minute: '2-digit', second: '2-digit',
      ...(withDate ? { year: 'numeric', month: '2-digit', day: '2-digit' } : {}),
    });
    formats.set(key, f);
  }
  return f;
}

export const zoneClock = (t: UnixMs, withDate = false): string => format(zoneTz.value, withDate).format(t);
export const utcClock = (t: UnixMs): string => new Date(t).toISOString().replace('T', ' ').slice(0, 19) + 'Z';
export const parseTime = (s: string): UnixMs => Date.parse(s) as UnixMs;

/** A duration in the shortest form that says enough: 0.4 s, 12 s, 3 min, 2 h. */
export function shortAge(msec: number): string {
  const s = Math.max(0, msec) / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3600)} h`;
}
