// Decoder of the binary frames of `zl.v1` (packed form). It reads in place,
// allocates one header per frame, and checks every length before it reads: a
// frame that decodes has no byte left over and none missing.

import type { Handle, DegE7 } from '../units';

export const HEADER_BYTES = 32;
export const RECORD_BYTES = 24;
export const GROUP_BYTES = 8;
const MAGIC_PACKED = 0x5a;

export const FrameType = { snapshot: 1, delta: 2, remove: 3, heartbeat: 4 } as const;
export const Flag = { lastPart: 1, reducedRate: 2, coalesced: 4, simulated: 8 } as const;

/** Cell numbers above the grid: no position at all, and followed vehicles. */
export const CELL_NO_POSITION = 256;
export const CELL_FOLLOWED = 257;
/** Given as cell number for records of frames without groups. */
export const CELL_NONE = -1;

/** Sentinels of the record: the value is not known. */
export const UNKNOWN = {
  lonLat: -2147483648, alt: -32768, hdg: 65535, spd: 65535, vz: -32768, batt: 255, age: 65535,
} as const;

export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly epoch: number;
  /** Tick of the zone, the same for all clients. */
  readonly seq: number;
  readonly serverTimeUs: number;
  readonly count: number;
  readonly cellCount: number;
}

export interface LiveRecord {
  handle: Handle;
  lon: DegE7;
  lat: DegE7;
  /** 0.25 m above the zone datum. */
  alt: number;
  /** 0.01 degree clockwise from true north. */
  hdg: number;
  /** cm/s over ground. */
  spd: number;
  /** cm/s, positive up. */
  vz: number;
  status: number;
  batt: number;
  /** ms from the fix to serverTimeUs. */
  age: number;
}

/** Is thrown when a frame's bytes contradict themselves or the protocol. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const u64 = (v: DataView, at: number) => v.getUint32(at + 4, true) * 2 ** 32 + v.getUint32(at, true);

/** Reads the header and checks that the body is exactly as long as it says. */
export function decodeHeader(v: DataView): FrameHeader {
  if (v.byteLength < HEADER_BYTES) throw new FrameError(`frame of ${v.byteLength} bytes has no header`);
  const magic = v.getUint8(0);
  if (magic !== MAGIC_PACKED) throw new FrameError(`magic 0x${magic.toString(16)} is not a packed frame`);
  const h: FrameHeader = {
    type: v.getUint8(1),
    flags: v.getUint16(2, true),
    epoch: v.getUint32(4, true),
    seq: u64(v, 8),
    serverTimeUs: u64(v, 16),
    count: v.getUint32(24, true),
    cellCount: v.getUint32(28, true),
  };
  checkBody(v, h);
  return h;
}

function checkBody(v: DataView, h: FrameHeader): void {
  const body = v.byteLength - HEADER_BYTES;
  const want = (bytes: number) => {
    if (body !== bytes) throw new FrameError(`body is ${body} bytes, header says ${bytes}`);
  };
  switch (h.type) {
    case FrameType.snapshot:
    case FrameType.delta:
      want(h.count * RECORD_BYTES + h.cellCount * GROUP_BYTES);
      if (h.cellCount > 0) checkGroups(v, h);
      return;
    case FrameType.remove:
      if (h.cellCount !== 0) throw new FrameError('remove frame with cells');
      return want(h.count * 4);
    case FrameType.heartbeat:
      if (h.count !== 0 || h.cellCount !== 0) throw new FrameError('heartbeat with a body');
      return want(0);
    default:
      throw new FrameError(`frame type ${h.type}`);
  }
}

function checkGroups(v: DataView, h: FrameHeader): void {
  let at = HEADER_BYTES;
  let records = 0;
  for (let i = 0; i < h.cellCount; i++) {
    if (at + GROUP_BYTES > v.byteLength) throw new FrameError(`group ${i} begins outside the frame`);
    const n = v.getUint32(at + 4, true);
    records += n;
    at += GROUP_BYTES + n * RECORD_BYTES;
  }
  if (records !== h.count || at !== v.byteLength) {
    throw new FrameError(`groups hold ${records} records, header says ${h.count}`);
  }
}

/** Reads the record at a byte offset into out; the frame was checked before. */
export function readRecord(v: DataView, at: number, out: LiveRecord): void {
  out.handle = v.getUint32(at, true) as Handle;
  out.lon = v.getInt32(at + 4, true) as DegE7;
  out.lat = v.getInt32(at + 8, true) as DegE7;
  out.alt = v.getInt16(at + 12, true);
  out.hdg = v.getUint16(at + 14, true);
  out.spd = v.getUint16(at + 16, true);
  out.vz = v.getInt16(at + 18, true);
  out.status = v.getUint8(at + 20);
  out.batt = v.getUint8(at + 21);
  out.age = v.getUint16(at + 22, true);
}

/** Calls visit for each record, with the cell of its group. The record is reused. */
export function forEachRecord(v: DataView, h: FrameHeader, visit: (r: LiveRecord, cell: number) => void): void {
  const rec = {} as LiveRecord;
  let at = HEADER_BYTES;
  const run = (n: number, cell: number) => {
    for (let i = 0; i < n; i++, at += RECORD_BYTES) {
      readRecord(v, at, rec);
      visit(rec, cell);
    }
  };
  if (h.cellCount === 0) return run(h.count, CELL_NONE);
  for (let i = 0; i < h.cellCount; i++) {
    const cell = v.getUint32(at, true);
    const n = v.getUint32(at + 4, true);
    at += GROUP_BYTES;
    run(n, cell);
  }
}

export function forEachRemoved(v: DataView, h: FrameHeader, visit: (handle: Handle) => void): void {
  for (let i = 0; i < h.count; i++) visit(v.getUint32(HEADER_BYTES + 4 * i, true) as Handle);
}

/** The 4-bit phase and what else the status byte packs. */
export const phaseOf = (status: number) => status & 15;
export const unackedLevelOf = (status: number) => (status >> 4) & 3;
export const isUnverified = (status: number) => (status & 64) !== 0;
export const isAltitudeClamped = (status: number) => (status & 128) !== 0;
