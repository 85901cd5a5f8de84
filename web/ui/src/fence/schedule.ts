// When a fence is in force, as the form holds it and as the API says it. Windows
// are written in zone time; the API has instants.

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];
export type Holidays = 'as_days' | 'except' | 'only';
export type EdgeBase = 'clock' | 'sunrise' | 'sunset';

/** The API's form. */
export interface Schedule {
  windows?: { from: string; to: string }[];
  weekly?: { days: Day[]; from: string; to: string }[];
  holidays: Holidays;
}

/** Of a weekly entry: a time of day, or minutes before or after the sun. */
export interface EdgeForm { base: EdgeBase; time: string; minutes: string }
export interface WindowForm { from: string; to: string }
export interface WeeklyForm { days: readonly Day[]; from: EdgeForm; to: EdgeForm }
export interface ScheduleForm {
  always: boolean;
  windows: readonly WindowForm[];
  weekly: readonly WeeklyForm[];
  holidays: Holidays;
}

export type ScheduleCode = 'empty' | 'window_time' | 'window_order' | 'no_days' | 'edge_time' | 'edge_minutes';
export interface ScheduleFault { readonly list: 'windows' | 'weekly' | 'schedule'; readonly index: number; readonly code: ScheduleCode }

export const alwaysInForce: ScheduleForm = { always: true, windows: [], weekly: [], holidays: 'as_days' };
export const workdays: WeeklyForm = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: { base: 'clock', time: '08:00', minutes: '0' },
  to: { base: 'clock', time: '18:00', minutes: '0' },
};

interface Parts { y: number; mo: number; d: number; h: number; mi: number }

function zoneParts(at: number, tz: string): Parts {
  const f = new Intl.DateTimeFormat('en-US', {
    timeZone: tz, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
  });
  const p = Object.fromEntries(f.formatToParts(at).map((x) => [x.type, Number(x.value)]));
  return { y: p.year!, mo: p.month!, d: p.day!, h: p.hour!, mi: p.minute! };
}

const asUtc = (p: Parts) => Date.UTC(p.y, p.mo - 1, p.d, p.h, p.mi);

/** "2026-11-25T08:00" in zone time as an instant; NaN if it is none. */
export function zoneInstant(local: string, tz: string): number {
  const m = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}(?:\.\d{1,3})?))?$/.exec(local);
  if (!m) return NaN;
  const [y, mo, d, h, mi] = m.slice(1, 6).map(Number) as [number, number, number, number, number];
  const wall = asUtc({ y, mo, d, h, mi });
  // Twice, because the offset at the first guess may be that of the other season.
  let at = wall;
  for (let i = 0; i < 2; i++) at = wall - (asUtc(zoneParts(at, tz)) - at);
  return at + Math.round(Number(m[6] ?? 0) * 1000);
}

export function zoneLocal(at: number, tz: string): string {
  const p = zoneParts(at, tz);
  const two = (n: number) => String(n).padStart(2, '0');
  const minute = `${p.y}-${two(p.mo)}-${two(p.d)}T${two(p.h)}:${two(p.mi)}`;
  // Emergency fences begin and end within a minute: an edit must not move that.
  const s = (((at % 60_000) + 60_000) % 60_000) / 1000;
  return s === 0 ? minute : `${minute}:${s % 1 === 0 ? two(s) : s.toFixed(3).padStart(6, '0')}`;
}

export function edgeOf(text: string): EdgeForm {
  const sun = /^(sunrise|sunset)(?:([+-])(\d{1,2}):(\d{2}))?$/.exec(text);
  if (!sun) return { base: 'clock', time: text, minutes: '0' };
  const minutes = Number(sun[3] ?? 0) * 60 + Number(sun[4] ?? 0);
  return { base: sun[1] as EdgeBase, time: '', minutes: String(sun[2] === '-' ? -minutes : minutes) };
}

/** The API's text of an edge, or null if the form does not say one. */
export function edgeText(e: EdgeForm): string | null {
  if (e.base === 'clock') return /^([01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(e.time) ? e.time : null;
  const n = Number(e.minutes);
  if (e.minutes.trim() === '' || !Number.isInteger(n) || Math.abs(n) > 720) return null;
  if (n === 0) return e.base;
  const two = (v: number) => String(v).padStart(2, '0');
  return `${e.base}${n < 0 ? '-' : '+'}${two(Math.floor(Math.abs(n) / 60))}:${two(Math.abs(n) % 60)}`;
}

export function formOf(s: Schedule | null | undefined, tz: string): ScheduleForm {
  const windows = s?.windows ?? [];
  const weekly = s?.weekly ?? [];
  return {
    always: windows.length === 0 && weekly.length === 0,
    windows: windows.map((w) => ({ from: zoneLocal(Date.parse(w.from), tz), to: zoneLocal(Date.parse(w.to), tz) })),
    weekly: weekly.map((w) => ({ days: w.days, from: edgeOf(w.from), to: edgeOf(w.to) })),
    holidays: s?.holidays ?? 'as_days',
  };
}

const rfc3339 = (at: number) => new Date(at).toISOString().replace('.000Z', 'Z');

export function scheduleOf(f: ScheduleForm, tz: string): { schedule: Schedule | null; faults: ScheduleFault[] } {
  if (f.always) return { schedule: null, faults: [] };
  const faults: ScheduleFault[] = [];
  const fault = (list: ScheduleFault['list'], index: number, code: ScheduleCode) => void faults.push({ list, index, code });
  if (f.windows.length === 0 && f.weekly.length === 0) fault('schedule', 0, 'empty');
  const schedule = { windows: [] as { from: string; to: string }[], weekly: [] as { days: Day[]; from: string; to: string }[], holidays: f.holidays };
  f.windows.forEach((w, i) => {
    const [from, to] = [zoneInstant(w.from, tz), zoneInstant(w.to, tz)];
    if (Number.isNaN(from) || Number.isNaN(to)) return fault('windows', i, 'window_time');
    if (to <= from) return fault('windows', i, 'window_order');
    schedule.windows.push({ from: rfc3339(from), to: rfc3339(to) });
  });
  f.weekly.forEach((w, i) => {
    const [from, to] = [edgeText(w.from), edgeText(w.to)];
    if (w.days.length === 0) fault('weekly', i, 'no_days');
    if (from === null || to === null) {
      fault('weekly', i, [w.from, w.to].some((e) => e.base !== 'clock' && edgeText(e) === null) ? 'edge_minutes' : 'edge_time');
    } else schedule.weekly.push({ days: DAYS.filter((d) => w.days.includes(d)), from, to });
  });
  return { schedule: faults.length > 0 ? null : schedule, faults };
}
