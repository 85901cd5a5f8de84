// The rings and points of a feature, as Canvas2D draws them.

import type { Feature, Position } from 'geojson';

export interface Path { rings: Position[][]; closed: boolean; points: Position[] }

export function pathOf(f: Feature): Path {
  const g = f.geometry;
  switch (g.type) {
    case 'Polygon': return { rings: g.coordinates, closed: true, points: [] };
    case 'MultiPolygon': return { rings: g.coordinates.flat(), closed: true, points: [] };
    case 'LineString': return { rings: [g.coordinates], closed: false, points: [] };
    case 'MultiLineString': return { rings: g.coordinates, closed: false, points: [] };
    case 'Point': return { rings: [], closed: false, points: [g.coordinates] };
    default: return { rings: [], closed: false, points: [] };
  }
}
