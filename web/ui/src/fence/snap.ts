// Where a corner under the hand goes: to a corner or an edge nearby, or onto a guide
// line. Distances are pixels of the screen, because that is what the hand aims with.
// Numbers that are typed never come here.

import { lattice, type LonLat } from './shape';

export type SnapKind = 'corner' | 'edge' | 'guide';
export interface Snapped {
  readonly at: LonLat;
  readonly kind: SnapKind;
  /** What it was drawn to: the edge, or the guide lines. */
  readonly lines: readonly (readonly [LonLat, LonLat])[];
}

export interface Targets { readonly corners: readonly LonLat[]; readonly edges: readonly (readonly [LonLat, LonLat])[] }

/** Reaches in px: a corner pulls more than an edge, an edge more than a guide. */
const CORNER_PX = 10;
const EDGE_PX = 8;
const GUIDE_PX = 6;

interface P { readonly x: number; readonly y: number }
export interface Screen { project(p: LonLat): P; unproject(p: P): LonLat }

/** Corners and edges of GeoJSON coordinates of any depth: points, lines, rings. */
export function addTargets(coordinates: unknown, corners: LonLat[], edges: [LonLat, LonLat][]): void {
  if (!Array.isArray(coordinates)) return;
  const isPoint = (c: unknown): c is [number, number] => Array.isArray(c) && typeof c[0] === 'number' && typeof c[1] === 'number';
  if (isPoint(coordinates)) {
    corners.push([coordinates[0], coordinates[1]]);
    return;
  }
  coordinates.forEach((c: unknown, i) => {
    addTargets(c, corners, edges);
    const before: unknown = coordinates[i - 1];
    if (isPoint(c) && isPoint(before)) edges.push([[before[0], before[1]], [c[0], c[1]]]);
  });
}

const rounded = (p: LonLat): LonLat => [lattice(p[0]), lattice(p[1])];

/** The share of the way from a to b at which p is nearest, within the edge. */
function along(p: P, a: P, b: P): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  return length === 0 ? 0 : Math.min(1, Math.max(0, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length));
}

const mixed = (a: P, b: P, t: number): P => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
const distance = (a: P, b: P) => Math.hypot(a.x - b.x, a.y - b.y);

/** A line through a corner: along a meridian or parallel, or beside the edge that leads there. */
interface Guide { readonly through: LonLat; readonly at: P; readonly dir: P }

/**
 * Guides of the corners that are there. The last one is where the next edge begins:
 * it also has the direction of the edge before it, and square to that.
 */
function guides(own: readonly LonLat[], screen: Screen): Guide[] {
  const out: Guide[] = [];
  for (const p of own) {
    const at = screen.project(p);
    out.push({ through: p, at, dir: { x: 1, y: 0 } }, { through: p, at, dir: { x: 0, y: 1 } });
  }
  const [last, before] = [own[own.length - 1], own[own.length - 2]];
  if (last && before) {
    const [a, b] = [screen.project(before), screen.project(last)];
    const length = distance(a, b);
    if (length > 1) {
      const dir = { x: (b.x - a.x) / length, y: (b.y - a.y) / length };
      out.push({ through: last, at: b, dir }, { through: last, at: b, dir: { x: -dir.y, y: dir.x } });
    }
  }
  return out;
}

const off = (p: P, g: Guide) => Math.abs((p.x - g.at.x) * g.dir.y - (p.y - g.at.y) * g.dir.x);
function foot(p: P, g: Guide): P {
  const s = (p.x - g.at.x) * g.dir.x + (p.y - g.at.y) * g.dir.y;
  return { x: g.at.x + s * g.dir.x, y: g.at.y + s * g.dir.y };
}

function crossing(a: Guide, b: Guide): P | null {
  const d = a.dir.x * b.dir.y - a.dir.y * b.dir.x;
  if (Math.abs(d) < 0.1) return null;
  const s = ((b.at.x - a.at.x) * b.dir.y - (b.at.y - a.at.y) * b.dir.x) / d;
  return { x: a.at.x + s * a.dir.x, y: a.at.y + s * a.dir.y };
}

/** A place on a guide; on a meridian or parallel it has the very coordinate of its corner. */
function onGuides(p: P, used: readonly Guide[], screen: Screen): LonLat {
  let [lon, lat] = screen.unproject(p);
  for (const g of used) {
    if (g.dir.x === 0) lon = g.through[0];
    if (g.dir.y === 0) lat = g.through[1];
  }
  return rounded([lon, lat]);
}

function toGuides(p: P, own: readonly LonLat[], screen: Screen): Snapped | null {
  const near = guides(own, screen).filter((g) => off(p, g) <= GUIDE_PX).sort((a, b) => off(p, a) - off(p, b));
  const first = near[0];
  if (!first) return null;
  for (const second of near.slice(1)) {
    const both = crossing(first, second);
    if (!both || distance(both, p) > CORNER_PX) continue;
    const at = onGuides(both, [first, second], screen);
    return { at, kind: 'guide', lines: [[first.through, at], [second.through, at]] };
  }
  const at = onGuides(foot(p, first), [first], screen);
  return { at, kind: 'guide', lines: [[first.through, at]] };
}

/** own: the corners of the shape that is drawn, the one before the hand last. */
export function snap(hand: LonLat, targets: Targets, own: readonly LonLat[], screen: Screen): Snapped | null {
  const p = screen.project(hand);
  const [west, north] = screen.unproject({ x: p.x - 2 * CORNER_PX, y: p.y - 2 * CORNER_PX });
  const [east, south] = screen.unproject({ x: p.x + 2 * CORNER_PX, y: p.y + 2 * CORNER_PX });
  const beyond = (a: LonLat, b: LonLat) =>
    Math.max(a[0], b[0]) < west || Math.min(a[0], b[0]) > east || Math.max(a[1], b[1]) < south || Math.min(a[1], b[1]) > north;

  let best: LonLat | null = null;
  let least = CORNER_PX;
  for (const c of targets.corners) {
    if (beyond(c, c)) continue;
    const d = distance(screen.project(c), p);
    if (d < least) [best, least] = [c, d];
  }
  if (best) return { at: rounded(best), kind: 'corner', lines: [] };

  let edge: readonly [LonLat, LonLat] | null = null;
  let share = 0;
  least = EDGE_PX;
  for (const e of targets.edges) {
    if (beyond(e[0], e[1])) continue;
    const [a, b] = [screen.project(e[0]), screen.project(e[1])];
    const s = along(p, a, b);
    const d = distance(mixed(a, b, s), p);
    if (d < least) [edge, share, least] = [e, s, d];
  }
  if (edge) {
    const [a, b] = edge;
    return { at: rounded([a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]), kind: 'edge', lines: [edge] };
  }
  return toGuides(p, own, screen);
}
