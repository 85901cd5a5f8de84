import { describe, expect, it } from 'vitest';
import { alwaysInForce, edgeOf, edgeText, formOf, scheduleOf, workdays, zoneInstant, zoneLocal, type Schedule, type ScheduleForm } from './schedule';

const tz = 'Asia/Shanghai';
const form = (more: Partial<ScheduleForm>): ScheduleForm => ({ ...alwaysInForce, always: false, ...more });
const codes = (f: ScheduleForm) => scheduleOf(f, tz).faults.map((x) => [x.list, x.index, x.code]);

describe('zone time', () => {
  it.each([
    ['2026-11-25T08:00', 'Asia/Shanghai', '2026-11-25T00:00:00.000Z'], ['2026-07-01T08:00', 'Europe/Berlin', '2026-07-01T06:00:00.000Z'],
    ['2026-01-01T08:00', 'Europe/Berlin', '2026-01-01T07:00:00.000Z'], ['2026-03-29T03:30', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['2026-06-01T00:00', 'America/St_Johns', '2026-06-01T02:30:00.000Z'],
  ])('%s in %s', (local, zone, want) => {
    const at = zoneInstant(local, zone);
    expect(new Date(at).toISOString()).toBe(want);
    expect(zoneLocal(at, zone)).toBe(local);
  });
  it('what is no time is none', () => expect([zoneInstant('', tz), zoneInstant('x', tz)]).toEqual([NaN, NaN]));
});

describe('edges', () => {
  it.each(['08:00', '00:00', '24:00', 'sunrise', 'sunset', 'sunrise-00:30', 'sunset+01:05'])('%s comes back', (text) => expect(edgeText(edgeOf(text))).toBe(text));
  it.each([
    { base: 'clock', time: '24:01', minutes: '' }, { base: 'clock', time: '8', minutes: '' }, { base: 'sunset', time: '', minutes: '' },
    { base: 'sunset', time: '', minutes: '1.5' }, { base: 'sunrise', time: '', minutes: '721' },
  ] as const)('refuses %o', (e) => expect(edgeText(e)).toBeNull());
});

describe('the form', () => {
  it('says what the API says, and back', () => {
    const s: Schedule = {
      windows: [{ from: '2026-11-25T00:00:00Z', to: '2026-11-25T04:00:00Z' }],
      weekly: [{ days: ['mon', 'sun'], from: '22:00', to: '06:00' }, { days: ['sat'], from: 'sunrise-00:30', to: 'sunset' }],
      holidays: 'except',
    };
    const f = formOf(s, tz);
    expect(f.windows).toEqual([{ from: '2026-11-25T08:00', to: '2026-11-25T12:00' }]);
    expect(scheduleOf(f, tz)).toEqual({ schedule: s, faults: [] });
  });
  it('nothing is always in force', () => {
    expect(formOf(null, tz)).toEqual(alwaysInForce);
    expect(scheduleOf(alwaysInForce, tz)).toEqual({ schedule: null, faults: [] });
  });
  it('an entry past midnight is allowed; days are in order', () => {
    const got = scheduleOf(form({ weekly: [{ ...workdays, days: ['sun', 'mon'], from: edgeOf('22:00'), to: edgeOf('06:00') }] }), tz);
    expect(got.schedule?.weekly).toEqual([{ days: ['mon', 'sun'], from: '22:00', to: '06:00' }]);
  });
  it.each<[string, Partial<ScheduleForm>, unknown]>([
    ['no entry', {}, [['schedule', 0, 'empty']]],
    ['no time', { windows: [{ from: '', to: '2026-01-01T00:00' }] }, [['windows', 0, 'window_time']]],
    ['end before start', { windows: [{ from: '2026-01-02T00:00', to: '2026-01-01T00:00' }] }, [['windows', 0, 'window_order']]],
    ['empty window', { windows: [{ from: '2026-01-01T00:00', to: '2026-01-01T00:00' }] }, [['windows', 0, 'window_order']]],
    ['no day', { weekly: [workdays, { ...workdays, days: [] }] }, [['weekly', 1, 'no_days']]],
    ['bad clock', { weekly: [{ ...workdays, from: edgeOf('25:00') }] }, [['weekly', 0, 'edge_time']]],
    ['bad minutes', { weekly: [{ ...workdays, to: { base: 'sunset', time: '', minutes: 'x' } }] }, [['weekly', 0, 'edge_minutes']]],
  ])('%s', (_name, more, want) => expect(codes(form(more))).toEqual(want));
});

it('seconds of a window are kept', () => {
  const windows = [{ from: '2026-11-25T00:00:07Z', to: '2026-11-25T01:02:03.250Z' }];
  const form = formOf({ windows, weekly: [], holidays: 'as_days' }, 'Asia/Shanghai');
  expect(form.windows).toEqual([{ from: '2026-11-25T08:00:07', to: '2026-11-25T09:02:03.250' }]);
  expect(scheduleOf(form, 'Asia/Shanghai').schedule?.windows).toEqual(windows);
});
