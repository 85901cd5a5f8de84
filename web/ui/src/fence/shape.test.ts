import { describe, expect, it } from 'vitest';
import { areaM2, distanceM, geometryOf, shapeBox } from './measure';
import { corridorPolygon, openRing, outline, shapeOf, type LonLat, type Shape } from './shape';

const square: Shape = { kind: 'polygons', polygons: [[
  [[121.93, 30.9], [121.94, 30.9], [121.94, 30.91], [121.93, 30.91]],
  [[121.933, 30.903], [121.937, 30.903], [121.937, 30.907]],
]] };

describe('geometry and back', () => {
  it.each<[string, Shape]>([
    ['polygon with a hole', square],
    ['two polygons', { kind: 'polygons', polygons: [[[[1, 2], [3, 2], [3, 4]]], [[[5, 2], [6, 2], [6, 4]]]] }],
    ['circle', { kind: 'circle', center: [121.93, 30.9], radiusM: 250.5 }],
    ['corridor', { kind: 'corridor', line: [[121.93, 30.9], [121.94, 30.91]], widthM: 80 }],
  ])('%s', (_name, s) => expect(shapeOf(geometryOf(s))).toEqual(s));

  it('rings are closed outside and open inside', () => {
    const g = geometryOf(square).geometry;
    expect(g.type === 'Polygon' && g.coordinates.map((r) => [r.length, r[0]])).toEqual([[5, [121.93, 30.9]], [4, [121.933, 30.903]]]);
    expect(openRing([[1, 2], [3, 4], [5, 6], [1, 2]])).toEqual([[1, 2], [3, 4], [5, 6]]);
    expect(openRing([[1, 2], [3, 4], [5, 6]])).toHaveLength(3);
  });
  it('coordinates go to the lattice of 1e-7 degree', () => {
    expect(openRing([[121.93000004999, 30.9], [1, 1]])[0]).toEqual([121.93, 30.9]);
  });
});

describe('measures', () => {
  it('a distance and an area are those of the ellipsoid', () => {
    expect(distanceM([0, 0], [0.01, 0])).toBeCloseTo(1113.195, 2);
    expect(areaM2({ kind: 'polygons', polygons: [[[[0, 0], [0.01, 0], [0.01, 0.01], [0, 0.01]]]] })).toBeCloseTo(1113.195 * 1105.743, -2);
  });
  it('holes are taken off, corridors have round ends', () => {
    const whole = areaM2({ kind: 'polygons', polygons: [[square.kind === 'polygons' ? square.polygons[0]![0]! : []]] });
    expect(areaM2(square)).toBeCloseTo(whole * (1 - 0.08), -2);
    expect(areaM2({ kind: 'corridor', line: [[0, 0], [0.01, 0]], widthM: 100 })).toBeCloseTo(111_319.5 + Math.PI * 2500, 0);
  });
});

describe('corridors as drawn', () => {
  const ring = (line: LonLat[], width: number) => corridorPolygon(line, width).coordinates[0]!;
  const far = (p: readonly number[], line: LonLat[]) => Math.min(...line.slice(1).map((b, i) => {
    const a = line[i]!;
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const t = Math.max(0, Math.min(1, ((p[0]! - a[0]) * dx + (p[1]! - a[1]) * dy) / (dx * dx + dy * dy || 1)));
    return distanceM([p[0]!, p[1]!], [a[0] + t * dx, a[1] + t * dy]);
  }));
  it.each<[string, LonLat[]]>([
    ['straight', [[0, 0], [0.01, 0]]], ['left turn', [[0, 0], [0.01, 0], [0.01, 0.01]]],
    ['right turn', [[0, 0], [0.01, 0], [0.01, -0.01]]], ['repeated point', [[0, 0], [0.01, 0], [0.01, 0], [0.02, 0.001]]],
  ])('%s: no vertex is farther than half the width, the ends reach it', (_name, line) => {
    const r = ring(line, 100);
    expect(r[0]).toEqual(r[r.length - 1]);
    for (const p of r) expect(far(p, line)).toBeLessThan(50.1);
    expect(Math.min(...r.map((p) => p[0]!))).toBeCloseTo(-50 / 111_319.5, 5);
  });
  it('a box holds width and radius', () => {
    const box = shapeBox({ kind: 'circle', center: [0, 0], radiusM: 111.3195 })!;
    expect(box[2]).toBeCloseTo(0.001, 6);
    expect(outline({ kind: 'circle', center: [0, 0], radiusM: 0 })).toBeNull();
    expect(outline({ kind: 'corridor', line: [[0, 0]], widthM: 10 })).toBeNull();
  });
});
