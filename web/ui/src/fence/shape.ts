// The shape of a fence as the editor holds it: rings without their repeated last
// vertex, on the lattice of 1e-7 degree, in the order longitude, latitude.

import type { LineString, MultiPolygon, Point, Polygon, Position } from 'geojson';
import { circlePolygon, metresPerDegree } from '../map/ellipsoid';
import { degrees, metres } from '../units';

export type LonLat = readonly [lon: number, lat: number];
export type Ring = readonly LonLat[];
/** The outer ring, then its holes. */
export type Rings = readonly Ring[];
export type Shape =
  | { readonly kind: 'polygons'; readonly polygons: readonly Rings[] }
  | { readonly kind: 'circle'; readonly center: LonLat; readonly radiusM: number }
  | { readonly kind: 'corridor'; readonly line: readonly LonLat[]; readonly widthM: number };

export type FenceGeometry = Polygon | MultiPolygon | Point | LineString;
export interface Geometry { geometry: FenceGeometry; radius_m?: number; width_m?: number }

/** A coordinate on the lattice of 1e-7 degree, where the server holds it. */
export const lattice = (v: number): number => Math.round(v * 1e7) / 1e7;
export const lonLat = (p: Position): LonLat => [lattice(p[0] ?? NaN), lattice(p[1] ?? NaN)];

const same = (a: LonLat, b: LonLat) => a[0] === b[0] && a[1] === b[1];

/** A ring of GeoJSON without its repeated last vertex. */
export function openRing(ring: readonly Position[]): Ring {
  const points = ring.map(lonLat);
  const last = points[points.length - 1];
  return points.length > 1 && last && same(points[0]!, last) ? points.slice(0, -1) : points;
}

export const closed = (ring: Ring): Position[] => [...ring, ...ring.slice(0, 1)].map((p) => [...p]);

export function shapeOf(g: Geometry): Shape | null {
  switch (g.geometry.type) {
    case 'Polygon':
      return { kind: 'polygons', polygons: [g.geometry.coordinates.map(openRing)] };
    case 'MultiPolygon':
      return { kind: 'polygons', polygons: g.geometry.coordinates.map((p) => p.map(openRing)) };
    case 'Point':
      return { kind: 'circle', center: lonLat(g.geometry.coordinates), radiusM: g.radius_m ?? 0 };
    case 'LineString':
      return { kind: 'corridor', line: g.geometry.coordinates.map(lonLat), widthM: g.width_m ?? 0 };
    default:
      return null;
  }
}

/** What the map fills: circles and corridors as polygons. */
export function outline(s: Shape): Polygon | MultiPolygon | null {
  switch (s.kind) {
    case 'circle':
      return s.radiusM > 0 ? circlePolygon(degrees(s.center[0]), degrees(s.center[1]), metres(s.radiusM)) : null;
    case 'corridor':
      return s.line.length > 1 && s.widthM > 0 ? corridorPolygon(s.line, s.widthM) : null;
    case 'polygons': {
      const whole = s.polygons.filter((p) => (p[0]?.length ?? 0) > 2);
      return whole.length > 0 ? { type: 'MultiPolygon', coordinates: whole.map((rings) => rings.map(closed)) } : null;
    }
  }
}

/** The volume around a line, for drawing: parallel edges, round ends and corners. */
export function corridorPolygon(line: readonly LonLat[], widthM: number): Polygon {
  const per = metresPerDegree(degrees(line[0]![1]));
  const r = widthM / 2;
  const flat = line
    .map((p) => [p[0] * per.lon, p[1] * per.lat] as const)
    .filter((p, i, all) => i === 0 || p[0] !== all[i - 1]![0] || p[1] !== all[i - 1]![1]);
  const ring: Position[] = [];
  const put = (p: readonly [number, number], a: number) =>
    ring.push([(p[0] + r * Math.cos(a)) / per.lon, (p[1] + r * Math.sin(a)) / per.lat]);
  /** One side, to the right of the way along; then the same backwards. */
  const side = (way: (readonly [number, number])[]) => {
    for (let i = 0; i + 1 < way.length; i++) {
      const [p, q, next] = [way[i]!, way[i + 1]!, way[i + 2]];
      const a = Math.atan2(q[1] - p[1], q[0] - p[0]) - Math.PI / 2;
      if (i === 0) put(p, a);
      // Round the end, or the corner if it turns away from this side.
      let turn = Math.PI;
      if (next) turn = Math.atan2(next[1] - q[1], next[0] - q[0]) - Math.PI / 2 - a;
      turn = ((turn + 3 * Math.PI) % (2 * Math.PI)) - Math.PI;
      if (!next) turn = Math.PI;
      // The inside of a corner: where the two parallels meet, if they are long enough.
      const short = Math.min(Math.hypot(q[0] - p[0], q[1] - p[1]), next ? Math.hypot(next[0] - q[0], next[1] - q[1]) : 0);
      if (turn < 0 && r * Math.tan(-turn / 2) <= short) {
        const miter = r / Math.cos(turn / 2);
        ring.push([(q[0] + miter * Math.cos(a + turn / 2)) / per.lon, (q[1] + miter * Math.sin(a + turn / 2)) / per.lat]);
        continue;
      }
      put(q, a);
      const steps = turn > 0 ? Math.ceil(turn / 0.2) : 1;
      for (let k = 1; k <= steps; k++) put(q, a + (turn * k) / steps);
    }
  };
  if (flat.length > 1) {
    side(flat);
    side([...flat].reverse());
    ring.push(ring[0]!);
  }
  return { type: 'Polygon', coordinates: [ring] };
}
