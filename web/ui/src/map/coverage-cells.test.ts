import { describe, expect, it } from 'vitest';
import { cellFeatures } from './coverage-cells';

describe('cells of the coverage layer', () => {
  const grid = (cells: { col: number; row: number; minutes: number }[]) => ({ bbox: [100, 30, 132, 62], cols: 32, rows: 32, since: '', cells });
  it('lie where the server counted, row 0 in the south', () => {
    const got = cellFeatures(grid([{ col: 2, row: 31, minutes: 1 }])).features[0]!;
    expect(got.geometry.coordinates[0]).toEqual([[102, 61], [103, 61], [103, 62], [102, 62], [102, 61]]);
  });
  it('are redder with more minutes, up to a bound', () => {
    const [a, b, c, d] = cellFeatures(grid([0.1, 5, 30, 900].map((minutes, col) => ({ col, row: 0, minutes })))).features.map((f) => f.properties.share);
    expect(a! < b! && b! < c!).toBe(true);
    expect(c).toBe(d);
  });
  it('none without minutes', () => expect(cellFeatures(grid([])).features).toEqual([]));
});
