import { describe, expect, it } from 'vitest';
import type { Fence } from '../api/types';
import { degrees, metres, type Degrees } from '../units';
import { circlePolygon, metresPerDegree } from './ellipsoid';
import { fenceFeatures } from './geometry';
import { dms, graticule, graticuleStep } from './graticule';
import { latOf, lonOf, mercX, mercY } from './mercator';

const fence = (more: Partial<Fence>): Fence => ({
  id: 'f', name: 'F', kind: 'keep_out', geometry: { type: 'Point', coordinates: [121.93, 30.9] }, radius_m: 500, floor: null, ceiling: null,
  edges: 'lonlat', schedule: null, speed_mps: null, margin_m: 0, group: '', in_force: true, changes_at: null,
  applies: { classes: [] }, response: 'warn', origin: { kind: 'manual', id: '' }, rev: 1, created_at: '', updated_at: '', updated_by: '', ...more,
});

describe('circles', () => {
  it('metres per degree are those of the ellipsoid', () => {
    // Published lengths of one degree on WGS-84.
    expect(metresPerDegree(degrees(0)).lat).toBeCloseTo(110_574.3, 0);
    expect(metresPerDegree(degrees(0)).lon).toBeCloseTo(111_319.5, 0);
    expect(metresPerDegree(degrees(30)).lat).toBeCloseTo(110_852.4, 0);
    expect(metresPerDegree(degrees(60)).lon).toBeCloseTo(55_800, 0);
  });
  it('is closed, counter-clockwise, with every corner on the radius', () => {
    const ring = circlePolygon(degrees(121.93), degrees(30.9), metres(500)).coordinates[0]!;
    expect(ring[0]).toEqual(ring[ring.length - 1]);
    const per = metresPerDegree(degrees(30.9));
    for (const [lon, lat] of ring) {
      expect(Math.hypot((lon! - 121.93) * per.lon, (lat! - 30.9) * per.lat)).toBeCloseTo(500, 6);
    }
    const area = ring.slice(1).reduce((sum, p, i) => sum + ring[i]![0]! * p[1]! - p[0]! * ring[i]![1]!, 0);
    expect(area).toBeGreaterThan(0);
  });
});

describe('fences', () => {
  it('are drawn with what the style needs; a circle without radius is not', () => {
    const got = fenceFeatures([fence({}), fence({ id: 'g', radius_m: undefined })], new Set(['f']), null);
    expect(got.features.map((f) => f.properties)).toEqual([{ id: 'f', name: 'F', kind: 'keep_out', breached: true, open: false, resting: false }]);
    expect(fenceFeatures([fence({ in_force: false })], new Set(), 'f').features[0]!.properties).toMatchObject({ open: true, resting: true });
  });
});

describe('graticule', () => {
  it('has four to eight lines across at any zoom', () => {
    for (let span = 1e-2; span < 60; span *= 1.7) {
      const lines = (span * 3600) / graticuleStep(span);
      expect(lines).toBeLessThanOrEqual(8);
      expect(lines).toBeGreaterThan(2);
    }
  });
  it('labels whole seconds', () => {
    expect([dms(121.9 * 3600, 'E', 'W'), dms(-30.905 * 3600, 'N', 'S'), dms(0, 'N', 'S')]).toEqual(['121°54′E', '30°54′18″S', '0°00′N']);
    const labels = graticule(121.9, 30.88, 121.96, 30.92).features.flatMap((f) => f.properties?.label ?? []);
    expect(labels).toContain('121°54′E');
    expect(labels).toContain('30°54′N');
  });
});

it('mercator and back is the same place', () => {
  for (const [lon, lat] of [[121.93, 30.9], [-180, -85], [0, 0], [179.9999999, 85]] as [Degrees, Degrees][]) {
    expect(lonOf(mercX(lon))).toBeCloseTo(lon, 9);
    expect(latOf(mercY(lat))).toBeCloseTo(lat, 9);
  }
});
