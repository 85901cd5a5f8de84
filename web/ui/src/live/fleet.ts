// The vehicles that the page knows, in typed arrays outside the component tree.
// A vehicle keeps its slot until it is removed; freed slots are used again. All
// arrays of one slot belong together; `n` is one more than the highest slot in use.

import { fromE7, type DegE7, type Degrees, type MonoMs, type Ms } from '../units';
import { mercX, mercY } from '../map/mercator';
import {
  CELL_FOLLOWED, CELL_NONE, Flag, FrameType, UNKNOWN, forEachRecord, forEachRemoved, isUnverified,
  type FrameHeader, type LiveRecord,
} from './frame';
import type { Bbox, DictEntry, Grid } from './messages';

export const CLASSES = ['uav', 'icv', 'usv', 'unknown', 'aircraft', 'vessel'] as const;
export type ClassName = (typeof CLASSES)[number];
/** Seen by ADS-B, AIS or remote id: not the zone's. */
export const isTraffic = (cls: string): boolean => cls === 'aircraft' || cls === 'vessel';
const classIndex = (name: string): number => {
  const i = CLASSES.indexOf(name as ClassName);
  return i < 0 ? CLASSES.indexOf('unknown') : i;
};

const FIRST_CAPACITY = 256;

export class Fleet {
  n = 0;
  capacity = FIRST_CAPACITY;
  handle = new Uint32Array(FIRST_CAPACITY);
  lon = new Int32Array(FIRST_CAPACITY);
  lat = new Int32Array(FIRST_CAPACITY);
  alt = new Int16Array(FIRST_CAPACITY);
  hdg = new Uint16Array(FIRST_CAPACITY);
  spd = new Uint16Array(FIRST_CAPACITY);
  vz = new Int16Array(FIRST_CAPACITY);
  status = new Uint8Array(FIRST_CAPACITY);
  batt = new Uint8Array(FIRST_CAPACITY);
  cls = new Uint8Array(FIRST_CAPACITY);
  /** When the fix was taken, by the page's clock; NaN: never a fix. */
  fixAt = new Float64Array(FIRST_CAPACITY);
  /** Mercator minus anchor: where it is, and where it was one upload before. */
  next = new Float32Array(2 * FIRST_CAPACITY);
  prev = new Float32Array(2 * FIRST_CAPACITY);

  /** Set when `prev` of some slot changed by anything but taking over `next`. */
  prevDirty = true;
  /** Set by the renderer after it took `next`; the next frame then starts from it. */
  taken = true;
  /** +1 with each frame that changed something. */
  version = 0;
  anchorX = 0;
  anchorY = 0;
  grid: Grid | null = null;
  /** Ids that the server sends wherever they are. */
  follows: ReadonlySet<string> = new Set();

  /** Is called when a slot is freed or given to a new vehicle (trails forget). */
  onSlotReset: (slot: number) => void = () => {};

  private readonly slots = new Map<number, number>();
  private readonly dict = new Map<number, DictEntry>();
  private readonly byId = new Map<string, number>();
  private free: number[] = [];
  private mark = new Uint32Array(FIRST_CAPACITY);
  private generation = 0;
  private inSnapshot = false;
  private cells: ReadonlySet<number> | null = null;

  get size(): number {
    return this.slots.size;
  }

  setAnchor(bbox: Bbox): void {
    this.anchorX = mercX(((bbox[0] + bbox[2]) / 2) as Degrees);
    this.anchorY = mercY(((bbox[1] + bbox[3]) / 2) as Degrees);
  }

  slotOf = (handle: number): number => this.slots.get(handle) ?? -1;
  entry = (handle: number): DictEntry | undefined => this.dict.get(handle);
  handleOf = (id: string): number => this.byId.get(id) ?? 0;
  occupied = (slot: number): boolean => this.handle[slot] !== 0;
  hasPosition = (slot: number): boolean => this.occupied(slot) && this.lon[slot] !== UNKNOWN.lonLat;
  id = (slot: number): string => this.dict.get(this.handle[slot]!)?.id ?? '';
  name = (slot: number): string => {
    const d = this.dict.get(this.handle[slot]!);
    return d ? d.name || d.id : `#${this.handle[slot]}`;
  };

  /** Not verified by the dictionary or by the record: either is enough. */
  unverified = (slot: number): boolean =>
    isUnverified(this.status[slot]!) || this.dict.get(this.handle[slot]!)?.verified === false;
  className = (slot: number): ClassName => CLASSES[this.cls[slot]!] ?? 'unknown';
  age = (slot: number, at: MonoMs): Ms => (at - this.fixAt[slot]!) as Ms;
  lonDeg = (slot: number): Degrees => fromE7(this.lon[slot]! as DegE7);
  latDeg = (slot: number): Degrees => fromE7(this.lat[slot]! as DegE7);

  *occupiedSlots(): Generator<number> {
    for (let s = 0; s < this.n; s++) if (this.handle[s] !== 0) yield s;
  }

  addDict(entries: readonly DictEntry[]): void {
    for (const e of entries) {
      this.dict.set(e.h, e);
      this.byId.set(e.id, e.h);
      const slot = this.slots.get(e.h);
      if (slot !== undefined) this.cls[slot] = classIndex(e.class);
    }
    this.version++;
  }

  /** The cells of the granted subscription. */
  setCells(cells: readonly number[] | null): void {
    this.cells = cells && cells.length > 0 ? new Set(cells) : null;
  }

  /** A new epoch: handles and dictionary mean nothing any more. */
  clear(): void {
    for (const slot of this.slots.values()) this.release(slot);
    this.slots.clear();
    this.dict.clear();
    this.byId.clear();
    this.free = [];
    this.n = 0;
    this.inSnapshot = false;
    this.cells = null;
    this.prevDirty = true;
    this.version++;
  }

  /** Takes a checked frame in. A heartbeat changes nothing. */
  apply(view: DataView, h: FrameHeader, receivedAt: MonoMs): void {
    if (h.type === FrameType.heartbeat) return;
    this.version++;
    if (this.taken) {
      this.prev.set(this.next);
      this.taken = false;
    }
    if (h.type === FrameType.remove) return forEachRemoved(view, h, (handle) => this.remove(handle));
    const snapshot = h.type === FrameType.snapshot;
    if (snapshot && !this.inSnapshot) {
      this.inSnapshot = true;
      this.generation++;
    }
    forEachRecord(view, h, (r, cell) => {
      if (!snapshot && cell !== CELL_NONE && cell !== CELL_FOLLOWED && this.leftView(r)) this.remove(r.handle);
      else this.upsert(r, receivedAt);
    });
    if (snapshot && (h.flags & Flag.lastPart) !== 0) {
      this.inSnapshot = false;
      for (const [handle, slot] of this.slots) if (this.mark[slot] !== this.generation) this.remove(handle);
    }
  }

  remove(handle: number): void {
    const slot = this.slots.get(handle);
    if (slot === undefined) return;
    this.slots.delete(handle);
    this.release(slot);
    this.free.push(slot);
    if (this.slots.size > 0) return;
    this.free = [];
    this.n = 0;
  }

  private release(slot: number): void {
    this.handle[slot] = 0;
    this.onSlotReset(slot);
  }

  /** Moved into a cell outside the subscription: its next records will not come. */
  private leftView(r: LiveRecord): boolean {
    if (!this.cells || !this.grid || r.lon === UNKNOWN.lonLat) return false;
    if (this.follows.has(this.dict.get(r.handle)?.id ?? '')) return false;
    return !this.cells.has(cellOf(this.grid, r.lon, r.lat));
  }

  private upsert(r: LiveRecord, receivedAt: MonoMs): void {
    if (r.handle === 0) return;
    const old = this.slots.get(r.handle);
    const s = old ?? this.allocate(r.handle);
    const known = r.lon !== UNKNOWN.lonLat && r.lat !== UNKNOWN.lonLat;
    const hadPosition = old !== undefined && this.lon[s] !== UNKNOWN.lonLat;
    this.lon[s] = known ? r.lon : UNKNOWN.lonLat;
    this.lat[s] = known ? r.lat : UNKNOWN.lonLat;
    this.alt[s] = r.alt;
    this.hdg[s] = r.hdg;
    this.spd[s] = r.spd;
    this.vz[s] = r.vz;
    this.status[s] = r.status;
    this.batt[s] = r.batt;
    this.fixAt[s] = r.age === UNKNOWN.age ? NaN : receivedAt - r.age;
    this.mark[s] = this.generation;
    if (!known) return;
    this.next[2 * s] = mercX(fromE7(r.lon)) - this.anchorX;
    this.next[2 * s + 1] = mercY(fromE7(r.lat)) - this.anchorY;
    if (!hadPosition) {
      this.prev[2 * s] = this.next[2 * s]!;
      this.prev[2 * s + 1] = this.next[2 * s + 1]!;
      this.prevDirty = true;
    }
  }

  private allocate(handle: number): number {
    const s = this.free.pop() ?? this.n++;
    if (this.n > this.capacity) this.grow();
    this.handle[s] = handle;
    this.slots.set(handle, s);
    this.cls[s] = classIndex(this.dict.get(handle)?.class ?? 'unknown');
    this.onSlotReset(s);
    return s;
  }

  private grow(): void {
    this.capacity *= 2;
    const c = this.capacity;
    const wider = <T extends { set(a: T): void }>(a: T, b: T): T => (b.set(a), b);
    this.handle = wider(this.handle, new Uint32Array(c));
    this.lon = wider(this.lon, new Int32Array(c));
    this.lat = wider(this.lat, new Int32Array(c));
    this.alt = wider(this.alt, new Int16Array(c));
    this.hdg = wider(this.hdg, new Uint16Array(c));
    this.spd = wider(this.spd, new Uint16Array(c));
    this.vz = wider(this.vz, new Int16Array(c));
    this.status = wider(this.status, new Uint8Array(c));
    this.batt = wider(this.batt, new Uint8Array(c));
    this.cls = wider(this.cls, new Uint8Array(c));
    this.mark = wider(this.mark, new Uint32Array(c));
    this.fixAt = wider(this.fixAt, new Float64Array(c));
    this.next = wider(this.next, new Float32Array(2 * c));
    this.prev = wider(this.prev, new Float32Array(2 * c));
    this.prevDirty = true;
  }
}

/**
 * The cell of a position: row 0 south, column 0 west, outside clamped to the border.
 * On the degE7 lattice, as the server counts: an exact quotient stays exact.
 */
export function cellOf(grid: Grid, lon: DegE7, lat: DegE7): number {
  const slot = (v: number, lo: number, hi: number, n: number) => {
    const [from, to] = [Math.round(lo * 1e7), Math.round(hi * 1e7)];
    return Math.min(n - 1, Math.max(0, Math.floor(((v - from) * n) / (to - from))));
  };
  const [w, s, e, n] = grid.bbox;
  return slot(lat, s, n, grid.rows) * grid.cols + slot(lon, w, e, grid.cols);
}
