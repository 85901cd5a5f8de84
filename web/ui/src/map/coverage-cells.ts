// The cells of the coverage grid as shapes on the map.

import type { Feature, FeatureCollection, Polygon } from 'geojson';
import type { CoverageGrid } from '../api/coverage';

/** A cell with so many minutes is as red as it gets. */
const FULL_MIN = 30;

/** The cells of the grid that have any minutes; share: how red. */
export function cellFeatures(g: CoverageGrid): FeatureCollection<Polygon, { share: number }> {
  const [w, s, e, n] = g.bbox as [number, number, number, number];
  const dx = (e - w) / g.cols;
  const dy = (n - s) / g.rows;
  return {
    type: 'FeatureCollection',
    features: (g.cells ?? []).map((c): Feature<Polygon, { share: number }> => {
      const [x, y] = [w + c.col * dx, s + c.row * dy];
      return {
        type: 'Feature',
        geometry: { type: 'Polygon', coordinates: [[[x, y], [x + dx, y], [x + dx, y + dy], [x, y + dy], [x, y]]] },
        properties: { share: 0.15 + 0.45 * Math.sqrt(Math.min(1, c.minutes / FULL_MIN)) },
      };
    }),
  };
}
