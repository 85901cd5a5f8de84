// Builds frames for tests. Not part of the page.

import { GROUP_BYTES, HEADER_BYTES, RECORD_BYTES, UNKNOWN } from './frame';

export const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

export interface RecordFields {
  handle: number;
  lon?: number; lat?: number; alt?: number; hdg?: number; spd?: number; vz?: number; status?: number; batt?: number; age?: number;
}

/** A record; positions in degrees, everything else as on the wire. */
export function recordBytes(r: RecordFields): Uint8Array {
  const b = new Uint8Array(RECORD_BYTES);
  const v = new DataView(b.buffer);
  v.setUint32(0, r.handle, true);
  v.setInt32(4, r.lon === undefined ? UNKNOWN.lonLat : Math.round(r.lon * 1e7), true);
  v.setInt32(8, r.lat === undefined ? UNKNOWN.lonLat : Math.round(r.lat * 1e7), true);
  v.setInt16(12, r.alt ?? UNKNOWN.alt, true);
  v.setUint16(14, r.hdg ?? UNKNOWN.hdg, true);
  v.setUint16(16, r.spd ?? UNKNOWN.spd, true);
  v.setInt16(18, r.vz ?? UNKNOWN.vz, true);
  v.setUint8(20, r.status ?? 0);
  v.setUint8(21, r.batt ?? UNKNOWN.batt);
  v.setUint16(22, r.age ?? UNKNOWN.age, true);
  return b;
}

export interface FrameFields {
  type: number;
  flags?: number;
  epoch?: number;
  seq?: number;
  records?: Uint8Array[];
  groups?: [cell: number, records: Uint8Array[]][];
  handles?: number[];
}

export function frameBytes(f: FrameFields): Uint8Array {
  const groups = f.groups ?? [];
  const parts: Uint8Array[] = [...(f.records ?? [])];
  let count = parts.length + (f.handles?.length ?? 0);
  for (const [cell, records] of groups) {
    const head = new Uint8Array(GROUP_BYTES);
    new DataView(head.buffer).setUint32(0, cell, true);
    new DataView(head.buffer).setUint32(4, records.length, true);
    parts.push(head, ...records);
    count += records.length;
  }
  for (const h of f.handles ?? []) {
    const b = new Uint8Array(4);
    new DataView(b.buffer).setUint32(0, h, true);
    parts.push(b);
  }
  const out = new Uint8Array(HEADER_BYTES + parts.reduce((n, p) => n + p.length, 0));
  const v = new DataView(out.buffer);
  v.setUint8(0, 0x5a);
  v.setUint8(1, f.type);
  v.setUint16(2, f.flags ?? 0, true);
  v.setUint32(4, f.epoch ?? 7, true);
  v.setUint32(8, f.seq ?? 1, true);
  v.setUint32(16, 1_000_000, true);
  v.setUint32(24, count, true);
  v.setUint32(28, groups.length, true);
  let at = HEADER_BYTES;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
