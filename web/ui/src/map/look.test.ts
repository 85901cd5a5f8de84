import { describe, expect, it } from 'vitest';
import { Fleet } from '../live/fleet';
import { decodeHeader } from '../live/frame';
import { frameBytes, recordBytes, type RecordFields } from '../live/testing';
import type { MonoMs } from '../units';
import { LOOK, computeLooks, staleOf, type LookInput } from './look';
import { pick } from './pick';
import { anchored, toScreen } from './renderer';
import { Trails, TRAIL_POINTS } from './trails';

const entry = (h: number, cls = 'uav', verified = true) => ({ h, id: `v${h}`, name: `Name ${h}`, class: cls, org: 'Org', verified });

function fleetOf(records: Omit<RecordFields, 'handle'>[], dict = records.map((_, i) => entry(i + 1))): Fleet {
  const f = new Fleet();
  f.addDict(dict);
  const b = frameBytes({ type: 2, records: records.map((r, i) => recordBytes({ handle: i + 1, lon: 121.93, lat: 30.9, age: 0, ...r })) });
  const v = new DataView(b.buffer);
  f.apply(v, decodeHeader(v), 0 as MonoMs);
  return f;
}
const input = (more: Partial<LookInput> = {}): LookInput => ({
  filter: { q: '', cls: '', state: '', all: false }, selection: [], following: null, isolated: false, alerts: new Map(), stopped: false, ...more,
});
function looks(f: Fleet, more: Partial<LookInput> = {}, at = 0) {
  const out = new Float32Array(2 * f.capacity);
  const res = computeLooks(f, at as MonoMs, input(more), out);
  return { ...res, kind: (h: number) => out[2 * f.slotOf(h) + 1]!, heading: (h: number) => out[2 * f.slotOf(h)]! };
}

describe('stale', () => {
  it.each([
    ['uav', 999, 0], ['uav', 1_001, 1], ['uav', 3_001, 2], ['uav', 30_001, 3],
    ['usv', 4_999, 0], ['usv', 5_001, 1], ['usv', 15_001, 2], ['usv', 120_001, 3], ['icv', NaN, 3],
  ] as const)('%s at %d ms is %i', (cls, age, want) => expect(staleOf(cls, age)).toBe(want));

  it('grows with the clock of the page, without a frame', () => {
    const f = fleetOf([{}]);
    const stale = (at: number) => (looks(f, {}, at).kind(1) >> LOOK.staleShift) & 3;
    expect([stale(500), stale(1_500), stale(5_000), stale(60_000)]).toEqual([0, 1, 2, 3]);
  });
});

describe('looks', () => {
  it('packs class, phase, heading, trust', () => {
    const f = fleetOf([{ status: 3, hdg: 9_000 }, { status: 2 | 64 }], [entry(1, 'usv'), entry(2, 'icv')]);
    const l = looks(f);
    expect(l.kind(1) & 3).toBe(2);
    expect((l.kind(1) >> LOOK.phaseShift) & 7).toBe(3);
    expect(l.heading(1)).toBeCloseTo(Math.PI / 2);
    expect(l.kind(2) & LOOK.unverified).toBeTruthy();
    expect(l.kind(2) & LOOK.noHeading).toBeTruthy();
  });
  it('the dictionary alone is enough to be unverified', () => {
    expect(looks(fleetOf([{}], [entry(1, 'uav', false)])).kind(1) & LOOK.unverified).toBeTruthy();
  });
  it('a reserved phase is unknown', () => {
    expect((looks(fleetOf([{ status: 12 }])).kind(1) >> LOOK.phaseShift) & 7).toBe(0);
  });
  it('marks what is alarmed, selected or stale, and flashes what nobody acknowledged', () => {
    const f = fleetOf([{ status: 0x30 }, {}, { age: 5_000 }, {}, {}]);
    const l = looks(f, { selection: ['v2'], alerts: new Map([['v5', { level: 3, unacked: false }]]) });
    expect(l.marked.map((s) => f.handle[s])).toEqual([1, 2, 3, 5]);
    expect(l.kind(1) & LOOK.flash).toBeTruthy();
    expect(l.kind(5) & LOOK.flash).toBeFalsy();
  });
});

describe('filter', () => {
  const f = fleetOf([{}, { status: 3 }, { status: 0x30 }], [entry(1), entry(2, 'usv'), entry(3)]);
  const shown = (more: Partial<LookInput>) => {
    const l = looks(f, more);
    return [1, 2, 3].filter((h) => !(l.kind(h) & LOOK.hidden));
  };
  const by = (change: object) => ({ filter: { q: '', cls: '' as const, state: '', all: false, ...change } });
  it('by class, state and text; an alarm is never hidden', () => {
    expect(shown(by({ cls: 'usv' }))).toEqual([2, 3]);
    expect(shown(by({ state: 'holding' }))).toEqual([2, 3]);
    expect(shown(by({ state: 'alarm' }))).toEqual([3]);
    expect(shown(by({ q: 'NAME 1' }))).toEqual([1, 3]);
    expect(shown(by({ q: 'nothing' }))).toEqual([3]);
  });
  it('isolation leaves the selection and alarms', () => {
    expect(shown({ isolated: true, selection: ['v1'] })).toEqual([1, 3]);
  });
});

describe('picking', () => {
  const kinds = new Float32Array([0, 0, 0, 3 << LOOK.levelShift, 0, 0]);
  const points = [{ slot: 0, x: 100, y: 100 }, { slot: 1, x: 108, y: 100 }, { slot: 2, x: 300, y: 100 }];
  it('nearest within 12 px, the alarmed one first', () => {
    expect(pick(points, kinds, 101, 100)).toBe(1);
    expect(pick(points, kinds, 290, 100)).toBe(2);
    expect(pick(points, kinds, 200, 100)).toBe(-1);
    expect(pick(points, kinds, 313, 100)).toBe(-1);
  });
});

it('the anchor is folded into the matrix in double precision', () => {
  // A street-level matrix: 1e6 world widths across the screen.
  const m = [2e6, 0, 0, 0, 0, -2e6, 0, 0, 0, 0, 1, 0, -2e6 * 0.8387, 2e6 * 0.41, 0, 1];
  const c = { matrix: anchored(m, 0.8387, 0.41), width: 800, height: 600, dpr: 1, bearing: 0 };
  const p = { x: 0, y: 0 };
  expect(toScreen(c, 0, 0, p)).toBe(true);
  expect(p.x).toBeCloseTo(400, 6);
  expect(p.y).toBeCloseTo(300, 6);
  toScreen(c, 2.5e-7, 2.5e-7, p);
  expect(p.x).toBeCloseTo(600, 6);
  expect(p.y).toBeCloseTo(450, 6);
});

describe('trails', () => {
  const move = (f: Fleet, i: number) => {
    const b = frameBytes({ type: 2, records: [recordBytes({ handle: 1, lon: 121.93 + i * 1e-4, lat: 30.9, age: 0 })] });
    const v = new DataView(b.buffer);
    f.apply(v, decodeHeader(v), (i * 1_000) as MonoMs);
  };
  it('keep a bounded number of points, forget with the slot, and survive a snapshot', () => {
    const f = new Fleet();
    const trails = new Trails(f);
    for (let i = 1; i < 300; i++) {
      move(f, i);
      trails.sample((i * 1_000) as MonoMs);
      trails.sample((i * 1_000 + 100) as MonoMs);
    }
    expect(trails.points(0)).toHaveLength(2 * TRAIL_POINTS);
    expect(trails.segments(() => true, []).length).toBe(6 * TRAIL_POINTS);
    const b = frameBytes({ type: 1, flags: 1, records: [recordBytes({ handle: 1, lon: 121.96, lat: 30.9 })] });
    const v = new DataView(b.buffer);
    f.apply(v, decodeHeader(v), 300_000 as MonoMs);
    expect(trails.points(0)).toHaveLength(2 * TRAIL_POINTS);
    f.remove(1);
    expect(trails.points(0)).toHaveLength(0);
  });
});
