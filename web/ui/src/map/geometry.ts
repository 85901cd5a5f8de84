// GeoJSON that the map draws: fences (circles as polygons) and the graticule.

import type { Feature, FeatureCollection, LineString, MultiPolygon, Point, Polygon } from 'geojson';
import type { Fence } from '../api/types';
import { outline, shapeOf } from '../fence/shape';

export function fenceShape(f: Fence): Polygon | MultiPolygon | null {
  if (f.geometry.type === 'Polygon' || f.geometry.type === 'MultiPolygon') return f.geometry;
  const shape = shapeOf(f);
  return shape && outline(shape);
}

export interface FenceProps { id: string; name: string; kind: string; breached: boolean; open: boolean; /** Not in force now, by its schedule. */ resting: boolean }

export function fenceFeatures(
  fences: readonly Fence[],
  breached: ReadonlySet<string>,
  open: string | null,
): FeatureCollection<Polygon | MultiPolygon, FenceProps> {
  const features: Feature<Polygon | MultiPolygon, FenceProps>[] = [];
  for (const f of fences) {
    const geometry = fenceShape(f);
    if (!geometry) continue;
    const properties = { id: f.id, name: f.name, kind: f.kind, breached: breached.has(f.id), open: f.id === open, resting: !f.in_force };
    features.push({ type: 'Feature', geometry, properties });
  }
  return { type: 'FeatureCollection', features };
}

/** The box [w, s, e, n] around a fence, for "show on map". */
export function fenceBox(f: Fence): [number, number, number, number] | null {
  const shape = fenceShape(f);
  if (!shape) return null;
  const points = (shape.type === 'Polygon' ? [shape.coordinates] : shape.coordinates).flat(2);
  const lon = points.map((p) => p[0]!);
  const lat = points.map((p) => p[1]!);
  return [Math.min(...lon), Math.min(...lat), Math.max(...lon), Math.max(...lat)];
}

// Steps in seconds of arc that divide degrees and minutes evenly.
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000];

/** The graticule step, in seconds of arc, for a view that is so many degrees wide. */
export const graticuleStep = (spanDeg: number): number =>
  STEPS.find((s) => (spanDeg * 3600) / s <= 7) ?? STEPS[STEPS.length - 1]!;

export function dms(seconds: number, positive: string, negative: string): string {
  const v = Math.abs(Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const d = Math.floor(v / 3600);
  const m = Math.floor((v % 3600) / 60);
  return `${d}°${two(m)}′${v % 60 ? `${two(v % 60)}″` : ''}${seconds < 0 ? negative : positive}`;
}

export function graticule(w: number, s: number, e: number, n: number): FeatureCollection<LineString | Point> {
  const step = graticuleStep(Math.max(e - w, (n - s) * 1.4));
  const features: Feature<LineString | Point>[] = [];
  const first = (v: number) => Math.ceil((v * 3600) / step) * step;
  const add = (line: [number, number][], label: string, at: [number, number], anchor: string) => {
    features.push({ type: 'Feature', geometry: { type: 'LineString', coordinates: line }, properties: {} });
    features.push({ type: 'Feature', geometry: { type: 'Point', coordinates: at }, properties: { label, anchor } });
  };
  for (let v = first(w); v <= e * 3600; v += step) {
    const lon = v / 3600;
    add([[lon, s], [lon, n]], dms(v, 'E', 'W'), [lon, n], 'top');
  }
  for (let v = first(s); v <= n * 3600; v += step) {
    const lat = v / 3600;
    add([[w, lat], [e, lat]], dms(v, 'N', 'S'), [e, lat], 'right');
  }
  return { type: 'FeatureCollection', features };
}
