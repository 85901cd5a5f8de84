import { describe, expect, it } from 'vitest';
import { Fleet } from '../live/fleet';
import { decodeHeader } from '../live/frame';
import { frameBytes, recordBytes } from '../live/testing';
import type { MonoMs } from '../units';
import type { Sort } from '../state/view';
import { vehicleRows } from './vehicle-rows';

const fleet = new Fleet();
const names = ['B-2', 'B-10', 'A-1', 'C-1'];
fleet.addDict(names.map((name, i) => ({ h: i + 1, id: `v${i + 1}`, name, class: 'uav', org: '', verified: true })));
const b = frameBytes({
  type: 2,
  records: [
    recordBytes({ handle: 1, lon: 121.93, lat: 30.9, spd: 500, age: 0 }),
    recordBytes({ handle: 2, lon: 121.93, lat: 30.9, spd: 100, age: 0 }),
    recordBytes({ handle: 3, lon: 122.5, lat: 30.9, age: 0 }),
    recordBytes({ handle: 4, lon: 121.93, lat: 30.9, status: 0x30, age: 0 }),
    recordBytes({ handle: 5 }),
  ],
});
fleet.apply(new DataView(b.buffer), decodeHeader(new DataView(b.buffer)), 0 as MonoMs);

const view = [121.9, 30.88, 121.96, 30.92] as const;
const order = (all: boolean, sort: Sort = { key: 'name', down: false }) =>
  vehicleRows(fleet, 0 as MonoMs, { q: '', cls: '', state: '', all }, view, new Map(), sort).map((r) => fleet.name(r.slot));

describe('rows', () => {
  it('alarmed first, then by name with numbers as numbers; only what is in view', () => {
    expect(order(false)).toEqual(['C-1', 'B-2', 'B-10']);
  });
  it('all: also elsewhere and without position; a vehicle without dictionary has its handle', () => {
    expect(order(true)).toEqual(['C-1', '#5', 'A-1', 'B-2', 'B-10']);
  });
  it('unknown values last in both directions', () => {
    expect(order(true, { key: 'speed', down: false })).toEqual(['C-1', 'B-10', 'B-2', '#5', 'A-1']);
    expect(order(true, { key: 'speed', down: true })).toEqual(['C-1', 'B-2', 'B-10', '#5', 'A-1']);
  });
});
