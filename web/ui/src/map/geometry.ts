// GeoJSON of the fences that the map draws: circles as polygons.

import type { Feature, FeatureCollection, MultiPolygon, Polygon } from 'geojson';
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
