// Sizes of a shape and its form for the server: what the editor asks of a shape,
// and the first view does not.

import { metresPerDegree } from '../map/ellipsoid';
import { degrees } from '../units';
import { closed, outline, type Geometry, type LonLat, type Ring, type Shape } from './shape';

export function geometryOf(s: Shape): Geometry {
  switch (s.kind) {
    case 'circle':
      return { geometry: { type: 'Point', coordinates: [...s.center] }, radius_m: s.radiusM };
    case 'corridor':
      return { geometry: { type: 'LineString', coordinates: s.line.map((p) => [...p]) }, width_m: s.widthM };
    case 'polygons': {
      const polygons = s.polygons.map((rings) => rings.map(closed));
      return polygons.length === 1
        ? { geometry: { type: 'Polygon', coordinates: polygons[0]! } }
        : { geometry: { type: 'MultiPolygon', coordinates: polygons } };
    }
  }
}

/** Every vertex, for boxes and counts. */
export function vertices(s: Shape): readonly LonLat[] {
  switch (s.kind) {
    case 'circle': return [s.center];
    case 'corridor': return s.line;
    case 'polygons': return s.polygons.flat(2);
  }
}

export function shapeBox(s: Shape): [number, number, number, number] | null {
  const drawn = outline(s);
  const points: readonly (readonly number[])[] = drawn
    ? (drawn.type === 'Polygon' ? drawn.coordinates.flat() : drawn.coordinates.flat(2))
    : vertices(s);
  if (points.length === 0) return null;
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lon, lat] of points) {
    box[0] = Math.min(box[0], lon!);
    box[1] = Math.min(box[1], lat!);
    box[2] = Math.max(box[2], lon!);
    box[3] = Math.max(box[3], lat!);
  }
  return box;
}

/** Metres between two points that are kilometres, not continents, apart. */
export function distanceM(a: LonLat, b: LonLat): number {
  const per = metresPerDegree(degrees((a[1] + b[1]) / 2));
  return Math.hypot((b[0] - a[0]) * per.lon, (b[1] - a[1]) * per.lat);
}

/** Square metres within, holes taken off. */
export function areaM2(s: Shape): number {
  if (s.kind === 'circle') return Math.PI * s.radiusM ** 2;
  if (s.kind === 'corridor') {
    const length = s.line.reduce((sum, p, i) => sum + (i > 0 ? distanceM(s.line[i - 1]!, p) : 0), 0);
    return length * s.widthM + Math.PI * (s.widthM / 2) ** 2;
  }
  return s.polygons.reduce((sum, rings) => sum + rings.reduce((a, r, i) => a + (i === 0 ? ringM2(r) : -ringM2(r)), 0), 0);
}

function ringM2(r: Ring): number {
  const first = r[0];
  if (!first) return 0;
  const per = metresPerDegree(degrees(first[1]));
  let twice = 0;
  for (let i = 0; i < r.length; i++) {
    const [a, b] = [r[i]!, r[(i + 1) % r.length]!];
    twice += (a[0] - first[0]) * (b[1] - first[1]) - (b[0] - first[0]) * (a[1] - first[1]);
  }
  return (Math.abs(twice) / 2) * per.lon * per.lat;
}
