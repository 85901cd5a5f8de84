// What is wrong with a shape, found while it is drawn: the same rules as the
// server's, decided exactly on the lattice of 1e-7 degree. The server has the last
// word; this only says it sooner.

import type { LonLat, Ring, Shape } from './shape';
import { vertices } from './measure';

export type FaultCode =
  | 'empty' | 'few_vertices' | 'zero_area' | 'spike' | 'crossing' | 'hole_outside' | 'range' | 'pole'
  | 'radius' | 'width' | 'short_line';

export interface Fault {
  readonly code: FaultCode;
  /** Counted from 0; absent where the shape has none. */
  readonly polygon?: number;
  readonly ring?: number;
  readonly vertex?: number;
  readonly edgeA?: number;
  readonly edgeB?: number;
  readonly ringB?: number;
  /** What the map marks: segments, or single points. */
  readonly marks: readonly (readonly LonLat[])[];
}

/** Above this the check of every pair is left to the server. */
export const MAX_CHECKED = 1_500;
const MAX_FAULTS = 20;

type P = readonly [number, number];
const e7 = (p: LonLat): P => [Math.round(p[0] * 1e7), Math.round(p[1] * 1e7)];

/** The sign of (b-a) x (c-a), exact: doubles where they suffice, else integers without limit. */
export function side(a: P, b: P, c: P): number {
  const left = (b[0] - a[0]) * (c[1] - a[1]);
  const right = (b[1] - a[1]) * (c[0] - a[0]);
  const d = left - right;
  if (Math.abs(d) > 1e4) return Math.sign(d);
  const exact = BigInt(b[0] - a[0]) * BigInt(c[1] - a[1]) - BigInt(b[1] - a[1]) * BigInt(c[0] - a[0]);
  return exact > 0n ? 1 : exact < 0n ? -1 : 0;
}

const within = (a: P, b: P, p: P) =>
  p[0] >= Math.min(a[0], b[0]) && p[0] <= Math.max(a[0], b[0]) && p[1] >= Math.min(a[1], b[1]) && p[1] <= Math.max(a[1], b[1]);

/** Whether two closed segments share a point. */
export function meet(a: P, b: P, c: P, d: P): boolean {
  if (Math.max(a[0], b[0]) < Math.min(c[0], d[0]) || Math.max(c[0], d[0]) < Math.min(a[0], b[0])) return false;
  if (Math.max(a[1], b[1]) < Math.min(c[1], d[1]) || Math.max(c[1], d[1]) < Math.min(a[1], b[1])) return false;
  const [s1, s2, s3, s4] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
  if (s1 * s2 < 0 && s3 * s4 < 0) return true;
  return (s1 === 0 && within(a, b, c)) || (s2 === 0 && within(a, b, d)) || (s3 === 0 && within(c, d, a)) || (s4 === 0 && within(c, d, b));
}

function inside(ring: readonly P[], p: P): boolean {
  let odd = false;
  for (let i = 0; i < ring.length; i++) {
    const [a, b] = [ring[i]!, ring[(i + 1) % ring.length]!];
    if (side(a, b, p) === 0 && within(a, b, p)) return true;
    if (a[1] > p[1] === b[1] > p[1]) continue;
    const s = side(a, b, p);
    if (b[1] > a[1] ? s > 0 : s < 0) odd = !odd;
  }
  return odd;
}

interface Where { polygon: number; ring: number }

/** Edges of one ring that meet though they are not neighbours; last is the number of edges. */
function crossings(ring: Ring, at: Where, edges: number, out: Fault[]): void {
  const p = ring.map(e7);
  const n = p.length;
  const end = (i: number) => (i + 1) % n;
  for (let i = 0; i < edges; i++) {
    for (let j = i + 1; j < edges && out.length < MAX_FAULTS; j++) {
      if (end(i) === j || end(j) === i) continue;
      if (!meet(p[i]!, p[end(i)]!, p[j]!, p[end(j)]!)) continue;
      const marks = [[ring[i]!, ring[end(i)]!], [ring[j]!, ring[end(j)]!]];
      out.push({ code: 'crossing', ...at, edgeA: i, edgeB: j, marks });
    }
  }
}

function ringFaults(ring: Ring, at: Where, out: Fault[]): void {
  const p = ring.map(e7);
  const distinct = new Set(p.map(String)).size;
  if (distinct < 3) {
    out.push({ code: 'few_vertices', ...at, marks: ring.map((v) => [v]) });
    return;
  }
  // A vertex that repeats the one before is dropped by the server: no fault.
  const kept = ring.filter((_, i) => String(p[i]) !== String(p[(i + p.length - 1) % p.length]));
  const k = kept.map(e7);
  if (k.every((v) => side(k[0]!, k[1]!, v) === 0)) {
    out.push({ code: 'zero_area', ...at, marks: [kept] });
    return;
  }
  const before = out.length;
  for (let i = 0; i < k.length && out.length < MAX_FAULTS; i++) {
    const [a, b, c] = [k[(i + k.length - 1) % k.length]!, k[i]!, k[(i + 1) % k.length]!];
    const back = (a[0] - b[0]) * (c[0] - b[0]) + (a[1] - b[1]) * (c[1] - b[1]) > 0;
    if (side(a, b, c) === 0 && back) out.push({ code: 'spike', ...at, vertex: ring.indexOf(kept[i]!), marks: [[kept[i]!]] });
  }
  // The edges of a spike lie on each other; to call that crossing too helps nobody.
  if (out.length === before) crossings(kept, at, kept.length, out);
}

function holeFaults(rings: readonly Ring[], polygon: number, out: Fault[]): void {
  const outer = rings[0]!.map(e7);
  for (let r = 1; r < rings.length && out.length < MAX_FAULTS; r++) {
    const hole = rings[r]!.map(e7);
    if (hole.length < 3) continue;
    for (let other = 0; other < r; other++) {
      const o = other === 0 ? outer : rings[other]!.map(e7);
      const pair = firstMeeting(hole, o);
      if (pair) {
        const [a, b] = pair;
        const edge = (ring: Ring, i: number) => [ring[i]!, ring[(i + 1) % ring.length]!];
        out.push({ code: 'crossing', polygon, ring: r, edgeA: a, edgeB: b, ringB: other, marks: [edge(rings[r]!, a), edge(rings[other]!, b)] });
      } else if (other === 0 && !inside(outer, hole[0]!)) {
        out.push({ code: 'hole_outside', polygon, ring: r, marks: [rings[r]!] });
      }
    }
  }
}

function firstMeeting(a: readonly P[], b: readonly P[]): [number, number] | null {
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      if (meet(a[i]!, a[(i + 1) % a.length]!, b[j]!, b[(j + 1) % b.length]!)) return [i, j];
    }
  }
  return null;
}

/** A way that is still being drawn: its edges so far, without the one that will close it. */
export function faultsOfPath(path: readonly LonLat[]): Fault[] {
  const out: Fault[] = [];
  if (path.length <= MAX_CHECKED) crossings(path, { polygon: 0, ring: 0 }, path.length - 1, out);
  return out;
}

/** The first vertex that cannot be where it is said to be. */
function offTheMap(s: Shape): Fault | null {
  const polygons = s.kind === 'polygons' ? s.polygons : [[vertices(s)]];
  for (const [polygon, rings] of polygons.entries()) {
    for (const [ring, r] of rings.entries()) {
      for (const [vertex, v] of r.entries()) {
        const code = !(Math.abs(v[0]) <= 180) || !(Math.abs(v[1]) <= 90) ? 'range' : Math.abs(v[1]) > 89 ? 'pole' : null;
        if (code) return { code, polygon, ring, vertex, marks: [] };
      }
    }
  }
  return null;
}

export function faultsOf(s: Shape | null): Fault[] {
  if (!s) return [{ code: 'empty', marks: [] }];
  const out: Fault[] = [];
  const misplaced = offTheMap(s);
  if (misplaced) return [misplaced];
  switch (s.kind) {
    case 'circle':
      if (!(s.radiusM >= 1 && s.radiusM <= 200_000)) out.push({ code: 'radius', marks: [[s.center]] });
      return out;
    case 'corridor':
      if (new Set(s.line.map(String)).size < 2) out.push({ code: 'short_line', marks: s.line.map((v) => [v]) });
      if (!(s.widthM >= 1 && s.widthM <= 200_000)) out.push({ code: 'width', marks: [] });
      return out;
    case 'polygons':
      if (vertices(s).length > MAX_CHECKED) return out;
      if (s.polygons.length === 0) return [{ code: 'empty', marks: [] }];
      s.polygons.forEach((rings, polygon) => {
        rings.forEach((ring, r) => ringFaults(ring, { polygon, ring: r }, out));
        if (out.length === 0) holeFaults(rings, polygon, out);
      });
      return out;
  }
}
