// A circle fence as a polygon: WGS-84 radii of curvature at its centre, good to
// millimetres for the kilometres that a fence spans.

import type { Polygon, Position } from 'geojson';
import type { Degrees, Metres } from '../units';

const A = 6378137;
const F = 1 / 298.257223563;
const E2 = F * (2 - F);

/** Metres per degree of latitude and of longitude at a latitude. */
export function metresPerDegree(lat: Degrees): { lat: number; lon: number } {
  const phi = (lat * Math.PI) / 180;
  const w = Math.sqrt(1 - E2 * Math.sin(phi) ** 2);
  const meridian = (A * (1 - E2)) / w ** 3;
  const normal = A / w;
  return { lat: (meridian * Math.PI) / 180, lon: (normal * Math.cos(phi) * Math.PI) / 180 };
}

export function circlePolygon(lon: Degrees, lat: Degrees, radius: Metres, corners = 96): Polygon {
  const per = metresPerDegree(lat);
  const ring: Position[] = [];
  for (let i = 0; i < corners; i++) {
    const a = (2 * Math.PI * i) / corners;
    ring.push([lon + (radius * Math.cos(a)) / per.lon, lat + (radius * Math.sin(a)) / per.lat]);
  }
  ring.push(ring[0]!);
  return { type: 'Polygon', coordinates: [ring] };
}
