import { beforeEach, describe, expect, it } from 'vitest';
import type { DegE7, MonoMs } from '../units';
import { Fleet, cellOf } from './fleet';
import { CELL_FOLLOWED, Flag, FrameType, decodeHeader } from './frame';
import { frameBytes, recordBytes, type FrameFields } from './testing';

const grid = { bbox: [121.9, 30.88, 121.96, 30.92], cols: 16, rows: 16 } as const;
const rec = (handle: number, lon = 121.93, lat = 30.9) => recordBytes({ handle, lon, lat, age: 100 });
const entry = (h: number, id = `v${h}`) => ({ h, id, name: id, class: 'uav', org: '', verified: true });

let fleet: Fleet;
const apply = (f: FrameFields, at = 1_000) => {
  const b = frameBytes(f);
  const v = new DataView(b.buffer);
  fleet.apply(v, decodeHeader(v), at as MonoMs);
};
const handles = () => [...fleet.occupiedSlots()].map((s) => fleet.handle[s]!).sort((a, b) => a - b);

beforeEach(() => {
  fleet = new Fleet();
  fleet.setAnchor(grid.bbox);
  fleet.grid = grid;
});

describe('snapshots mark and sweep', () => {
  it('drops what is in none of the parts, only after the last part', () => {
    apply({ type: FrameType.snapshot, flags: Flag.lastPart, records: [rec(1), rec(2), rec(3)] });
    apply({ type: FrameType.snapshot, records: [rec(2)] });
    expect(handles()).toEqual([1, 2, 3]);
    apply({ type: FrameType.snapshot, flags: Flag.lastPart, records: [rec(4)] });
    expect(handles()).toEqual([2, 4]);
  });
  it('keeps the slot of a vehicle that stays, so that trail and interpolation survive', () => {
    const reset: number[] = [];
    fleet.onSlotReset = (s) => reset.push(s);
    apply({ type: FrameType.snapshot, flags: Flag.lastPart, records: [rec(1), rec(2)] });
    const slot = fleet.slotOf(2);
    reset.length = 0;
    apply({ type: FrameType.snapshot, flags: Flag.lastPart, groups: [[5, [rec(2, 121.931)]], [6, [rec(9)]]] });
    expect(fleet.slotOf(2)).toBe(slot);
    expect(reset).not.toContain(slot);
    expect(fleet.lonDeg(slot)).toBeCloseTo(121.931, 7);
  });
  it('counts a delta between two parts as seen', () => {
    apply({ type: FrameType.snapshot, records: [rec(1)] });
    apply({ type: FrameType.delta, records: [rec(5)] });
    apply({ type: FrameType.snapshot, flags: Flag.lastPart, records: [rec(2)] });
    expect(handles()).toEqual([1, 2, 5]);
  });
  it('a delta never sweeps', () => {
    apply({ type: FrameType.snapshot, flags: Flag.lastPart, records: [rec(1), rec(2)] });
    apply({ type: FrameType.delta, flags: Flag.lastPart, records: [rec(2)] });
    expect(handles()).toEqual([1, 2]);
  });
});

describe('removal and new epochs', () => {
  it('removes, and gives the slot to the next vehicle', () => {
    apply({ type: FrameType.delta, records: [rec(1), rec(2)] });
    const slot = fleet.slotOf(1);
    apply({ type: FrameType.remove, handles: [1, 99] });
    expect(handles()).toEqual([2]);
    apply({ type: FrameType.delta, records: [rec(3)] });
    expect(fleet.slotOf(3)).toBe(slot);
  });
  it('a new epoch forgets vehicles and dictionary', () => {
    fleet.addDict([entry(1)]);
    apply({ type: FrameType.delta, records: [rec(1)] });
    fleet.clear();
    expect(fleet.size).toBe(0);
    expect(fleet.entry(1)).toBeUndefined();
    expect(fleet.handleOf('v1')).toBe(0);
  });
  it('grows past its first capacity', () => {
    const many = Array.from({ length: 1_000 }, (_, i) => rec(i + 1, 121.9 + i * 1e-5));
    apply({ type: FrameType.snapshot, flags: Flag.lastPart, records: many });
    expect(fleet.size).toBe(1_000);
    expect(fleet.lonDeg(fleet.slotOf(777))).toBeCloseTo(121.9 + 776e-5, 7);
  });
});

describe('positions', () => {
  it('a new vehicle does not fly in from elsewhere', () => {
    apply({ type: FrameType.delta, records: [rec(1)] });
    const s = fleet.slotOf(1);
    expect(fleet.prev[2 * s]).toBe(fleet.next[2 * s]);
  });
  it('starts the next interpolation where the last upload stood', () => {
    apply({ type: FrameType.delta, records: [rec(1, 121.93)] });
    fleet.taken = true;
    const s = fleet.slotOf(1);
    const before = fleet.next[2 * s];
    apply({ type: FrameType.delta, records: [rec(1, 121.94)] });
    apply({ type: FrameType.delta, records: [rec(1, 121.95)] });
    expect(fleet.prev[2 * s]).toBe(before);
    expect(fleet.next[2 * s]).toBeGreaterThan(before!);
  });
  it('keeps age on the clock of the page', () => {
    apply({ type: FrameType.delta, records: [rec(1)] }, 5_000);
    expect(fleet.age(fleet.slotOf(1), 6_000 as MonoMs)).toBe(1_100);
  });
  it('has no position with the sentinel, and one again later', () => {
    apply({ type: FrameType.delta, records: [recordBytes({ handle: 1 })] });
    const s = fleet.slotOf(1);
    expect(fleet.hasPosition(s)).toBe(false);
    expect(fleet.age(s, 9 as MonoMs)).toBeNaN();
    apply({ type: FrameType.delta, records: [rec(1)] });
    expect(fleet.hasPosition(s)).toBe(true);
  });
});

describe('cells', () => {
  const cell = (lon: number, lat: number) => cellOf(grid, Math.round(lon * 1e7) as DegE7, Math.round(lat * 1e7) as DegE7);
  it.each([
    [121.9, 30.88, 0], [121.9599, 30.88, 15], [121.9, 30.9199, 240], [121.9599, 30.9199, 255],
    [121.96, 30.92, 255], [100, 0, 0], [179, 80, 255], [121.93, 30.9, 8 * 16 + 8],
  ])('%f %f is cell %i', (lon, lat, want) => expect(cell(lon, lat)).toBe(want));

  it('drops a vehicle that moved into a cell outside the subscription', () => {
    const here = cell(121.93, 30.9);
    fleet.setCells([here]);
    apply({ type: FrameType.delta, groups: [[here, [rec(1), rec(2)]]] });
    apply({ type: FrameType.delta, groups: [[here, [rec(1, 121.959)]]] });
    expect(handles()).toEqual([2]);
  });
  it('keeps a followed one wherever it is', () => {
    const here = cell(121.93, 30.9);
    fleet.setCells([here]);
    fleet.addDict([entry(1)]);
    fleet.follows = new Set(['v1']);
    apply({ type: FrameType.delta, groups: [[here, [rec(1, 121.959)]], [CELL_FOLLOWED, [rec(1, 121.959)]]] });
    expect(handles()).toEqual([1]);
  });
});
