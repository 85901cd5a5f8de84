import { describe, expect, it } from 'vitest';
import vectors from './vectors.json';
import {
  CELL_NONE, FrameError, UNKNOWN, decodeHeader, forEachRecord, forEachRemoved, isUnverified, phaseOf, unackedLevelOf, type LiveRecord,
} from './frame';
import { bytesOf, frameBytes, recordBytes } from './testing';

const decode = (b: Uint8Array) => {
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const header = decodeHeader(view);
  const records: (LiveRecord & { cell: number })[] = [];
  const removed: number[] = [];
  if (header.type === 3) forEachRemoved(view, header, (h) => removed.push(h));
  else forEachRecord(view, header, (r, cell) => records.push({ ...r, cell }));
  return { header, records, removed };
};

describe('the vector that Go reads too', () => {
  const { header, records } = decode(bytesOf(vectors.hex));

  it('has the header', () => {
    const { magic, ...want } = vectors.header;
    expect(magic).toBe(0x5a);
    expect(header).toEqual({
      type: want.type, flags: want.flags, epoch: want.epoch, seq: want.seq,
      serverTimeUs: want.server_time_us, count: want.count, cellCount: want.cell_count,
    });
  });

  it('has the records, unknown values as null', () => {
    const known = (v: number, sentinel: number, scale: number) => (v === sentinel ? null : v / scale);
    const got = records.map((r) => ({
      handle: r.handle,
      lon_deg: known(r.lon, UNKNOWN.lonLat, 1e7), lat_deg: known(r.lat, UNKNOWN.lonLat, 1e7),
      alt_m: known(r.alt, UNKNOWN.alt, 4), hdg_deg: known(r.hdg, UNKNOWN.hdg, 100),
      spd_mps: known(r.spd, UNKNOWN.spd, 100), vz_mps: known(r.vz, UNKNOWN.vz, 100),
      status: r.status, batt_pct: known(r.batt, UNKNOWN.batt, 1), age_ms: known(r.age, UNKNOWN.age, 1),
    }));
    expect(got).toEqual(vectors.records);
    expect(phaseOf(records[0]!.status)).toBe(2);
    expect(unackedLevelOf(records[1]!.status)).toBe(3);
    expect(isUnverified(records[1]!.status)).toBe(false);
    expect(records[0]!.cell).toBe(CELL_NONE);
  });
});

describe('lengths are checked before anything is read', () => {
  const two = [recordBytes({ handle: 1 }), recordBytes({ handle: 2 })];
  const grouped = frameBytes({ type: 2, groups: [[5, [two[0]!]], [6, [two[1]!]]] });
  it('reads groups', () => {
    expect(decode(grouped).records.map((r) => [r.handle, r.cell])).toEqual([[1, 5], [2, 6]]);
  });
  it('reads a remove frame', () => {
    expect(decode(frameBytes({ type: 3, handles: [7, 8] })).removed).toEqual([7, 8]);
  });
  const lying = (at: number, value: number, from = grouped) => {
    const b = from.slice();
    new DataView(b.buffer).setUint32(at, value, true);
    return b;
  };
  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['half a header', grouped.slice(0, 31)],
    ['one byte short', grouped.slice(0, -1)],
    ['one byte over', new Uint8Array([...grouped, 0])],
    ['a wrong magic', new Uint8Array([0x5b, ...grouped.slice(1)])],
    ['an unknown type', frameBytes({ type: 9 })],
    ['a count of 2^32-1', lying(24, 0xffffffff)],
    ['a cell count of 2^32-1', lying(28, 0xffffffff)],
    ['a group that claims all records', lying(36, 2)],
    ['a group of 2^32-1 records', lying(36, 0xffffffff)],
    ['an empty first group', lying(36, 0)],
    ['a heartbeat with a body', new Uint8Array([...frameBytes({ type: 4 }), 0])],
    ['a heartbeat with a count', lying(24, 1, frameBytes({ type: 4 }))],
    ['a remove frame with cells', lying(28, 1, frameBytes({ type: 3, handles: [1] }))],
  ])('refuses %s', (_name, bytes) => {
    expect(() => decode(bytes)).toThrow(FrameError);
  });
});

describe('random bytes', () => {
  // xorshift32: the same bytes in every run.
  let seed = 0x9e3779b9;
  const random = () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed >>> 0;
  };
  it('never read outside the frame, whatever they say', () => {
    let decoded = 0;
    for (let i = 0; i < 20_000; i++) {
      const b = new Uint8Array(random() % 200);
      for (let j = 0; j < b.length; j++) b[j] = random();
      // Most random bytes fail at once: make headers that nearly fit.
      if (b.length >= 32 && i % 4) {
        const v = new DataView(b.buffer);
        b[0] = 0x5a;
        b[1] = 1 + (random() % 4);
        v.setUint32(24, random() % 8, true);
        v.setUint32(28, i % 3 ? 0 : random() % 4, true);
        if (b.length >= 40) v.setUint32(36, random() % 4, true);
      }
      try {
        decode(b);
        decoded++;
      } catch (err) {
        if (!(err instanceof FrameError)) throw err;
      }
    }
    expect(decoded).toBeGreaterThan(10);
  });
});
