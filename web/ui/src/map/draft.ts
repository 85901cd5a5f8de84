// What the editor shows on the map beside the published fences: the shape that is
// edited, the one it is compared with, and the places that are wrong.

import type { Feature, FeatureCollection } from 'geojson';
import { outline, type Shape } from '../fence/shape';
import type { Snapped } from '../fence/snap';
import type { Fault } from '../fence/validity';

export type DraftRole = 'new' | 'old' | 'fault' | 'guide';

const feature = (role: DraftRole, geometry: Feature['geometry']): Feature => ({ type: 'Feature', geometry, properties: { role } });

export function draftFeatures(now: Shape | null, old: Shape | null, faults: readonly Fault[], snapped: Snapped | null = null): FeatureCollection {
  const features: Feature[] = [];
  const put = (role: DraftRole, s: Shape | null) => {
    const drawn = s && outline(s);
    if (drawn) features.push(feature(role, drawn));
  };
  put('old', old);
  put('new', now);
  for (const line of faults.flatMap((f) => f.marks)) {
    const points = line.map((p) => [...p]);
    if (points.length > 1) features.push(feature('fault', { type: 'LineString', coordinates: points }));
    else if (points[0]) features.push(feature('fault', { type: 'Point', coordinates: points[0] }));
  }
  for (const line of snapped?.lines ?? []) features.push(feature('guide', { type: 'LineString', coordinates: line.map((p) => [...p]) }));
  return { type: 'FeatureCollection', features };
}
