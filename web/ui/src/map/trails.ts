// Where vehicles came from: for each slot a ring of the last positions, taken
// from received frames at most once a second, in the fleet's anchored Mercator.

import type { Fleet } from '../live/fleet';
import type { MonoMs } from '../units';

export const TRAIL_POINTS = 90;
const SAMPLE_MS = 1_000;
/** About one metre at 30 degrees north. */
const MIN_MOVE = 2.9e-8;
/** With more vehicles than this only marked ones get a trail. */
const MAX_ALL = 1_000;

export class Trails {
  private rings: (Float32Array | undefined)[] = [];
  private count = new Uint16Array(0);
  private head = new Uint16Array(0);
  private lastAt = new Float64Array(0);
  private vertices = new Float32Array(3 * 2 * 1024);

  constructor(private readonly fleet: Fleet) {
    fleet.onSlotReset = (slot) => this.forget(slot);
  }

  forget(slot: number): void {
    if (slot < this.count.length) this.count[slot] = 0;
    if (slot < this.lastAt.length) this.lastAt[slot] = 0;
  }

  /** Call after each frame. */
  sample(at: MonoMs): void {
    const f = this.fleet;
    if (this.count.length < f.capacity) this.grow(f.capacity);
    for (let s = 0; s < f.n; s++) {
      if (!f.hasPosition(s) || at - this.lastAt[s]! < SAMPLE_MS) continue;
      this.lastAt[s] = at;
      this.push(s, f.next[2 * s]!, f.next[2 * s + 1]!);
    }
  }

  /** Points of a slot, oldest first, as x, y pairs. */
  points(slot: number): number[] {
    const out: number[] = [];
    const ring = this.rings[slot];
    const n = this.count[slot] ?? 0;
    if (!ring) return out;
    for (let i = 0; i < n; i++) {
      const at = (this.head[slot]! + TRAIL_POINTS - n + i) % TRAIL_POINTS;
      out.push(ring[2 * at]!, ring[2 * at + 1]!);
    }
    return out;
  }

  /** Line segments x, y, alpha of the trails to draw; the view is used until the next call. */
  segments(visible: (slot: number) => boolean, marked: readonly number[]): Float32Array {
    const f = this.fleet;
    let at = 0;
    const add = (s: number) => {
      const p = this.points(s);
      if (p.length === 0) return;
      p.push(f.next[2 * s]!, f.next[2 * s + 1]!);
      const n = p.length / 2 - 1;
      if (at + 6 * n > this.vertices.length) this.widen(at + 6 * n);
      for (let i = 0; i < n; i++) {
        for (const j of [i, i + 1]) {
          this.vertices[at++] = p[2 * j]!;
          this.vertices[at++] = p[2 * j + 1]!;
          this.vertices[at++] = 0.12 + (0.73 * j) / n;
        }
      }
    };
    if (f.size > MAX_ALL) for (const s of marked) add(s);
    else for (let s = 0; s < f.n; s++) if (f.hasPosition(s) && visible(s)) add(s);
    return this.vertices.subarray(0, at);
  }

  private push(s: number, x: number, y: number): void {
    const ring = (this.rings[s] ??= new Float32Array(2 * TRAIL_POINTS));
    const h = this.head[s]!;
    if (this.count[s]! > 0) {
      const last = (h + TRAIL_POINTS - 1) % TRAIL_POINTS;
      if (Math.hypot(ring[2 * last]! - x, ring[2 * last + 1]! - y) < MIN_MOVE) return;
    }
    ring[2 * h] = x;
    ring[2 * h + 1] = y;
    this.head[s] = (h + 1) % TRAIL_POINTS;
    this.count[s] = Math.min(TRAIL_POINTS, this.count[s]! + 1);
  }

  private grow(n: number): void {
    const wider = <T extends { set(a: T): void }>(a: T, b: T): T => (b.set(a), b);
    this.count = wider(this.count, new Uint16Array(n));
    this.head = wider(this.head, new Uint16Array(n));
    this.lastAt = wider(this.lastAt, new Float64Array(n));
  }

  private widen(min: number): void {
    const bigger = new Float32Array(Math.max(min, 2 * this.vertices.length));
    bigger.set(this.vertices);
    this.vertices = bigger;
  }
}
