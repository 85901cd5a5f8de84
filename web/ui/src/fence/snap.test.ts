import { describe, expect, it } from 'vitest';
import type { LonLat } from './shape';
import { addTargets, snap, type Screen, type Targets } from './snap';

// One px is a ten-thousandth of a degree; north is up.
const screen: Screen = {
  project: ([lon, lat]) => ({ x: lon * 10_000, y: -lat * 10_000 }),
  unproject: (p) => [p.x / 10_000, -p.y / 10_000],
};
const px = (x: number, y: number): LonLat => [x / 10_000, y / 10_000];

const square: Targets = (() => {
  const corners: LonLat[] = [];
  const edges: [LonLat, LonLat][] = [];
  addTargets([[px(0, 0), px(100, 0), px(100, 100), px(0, 100), px(0, 0)]], corners, edges);
  return { corners, edges };
})();
const nothing: Targets = { corners: [], edges: [] };

it('finds corners and edges in points, lines and rings', () => {
  expect([square.corners.length, square.edges.length]).toEqual([5, 4]);
  const corners: LonLat[] = [];
  const edges: [LonLat, LonLat][] = [];
  addTargets([1, 2], corners, edges);
  addTargets([[1, 2], [3, 4]], corners, edges);
  expect([corners, edges]).toEqual([[[1, 2], [1, 2], [3, 4]], [[[1, 2], [3, 4]]]]);
});

describe('what a corner under the hand is drawn to', () => {
  const none: LonLat[] = [];
  it.each([
    ['a corner within 10 px', px(106, 107), square, none, 'corner', px(100, 100)],
    ['a corner before the edge that ends there', px(97, 94), square, none, 'corner', px(100, 100)],
    ['an edge within 8 px', px(40, 7), square, none, 'edge', px(40, 0)],
    ['an edge before a guide', px(40, 7), square, [px(43, 500)], 'edge', px(40, 0)],
    ['the parallel of a corner of its own', px(300, 205), nothing, [px(250, 200)], 'guide', px(300, 200)],
    ['the meridian of a corner of its own', px(254, 400), nothing, [px(250, 200)], 'guide', px(250, 400)],
    ['where two guides cross', px(104, 303), nothing, [px(100, 0), px(400, 300)], 'guide', px(100, 300)],
    ['on along the edge before', px(203, 201), nothing, [px(0, 0), px(150, 150)], 'guide', px(202, 202)],
    ['square to the edge before', px(103, 201), nothing, [px(0, 0), px(150, 150)], 'guide', px(101, 199)],
  ] as const)('%s', (_, hand, targets, own, kind, at) => {
    const s = snap(hand, targets, own, screen);
    expect([s?.kind, s?.at]).toEqual([kind, at]);
    expect(s!.lines.length > 0).toBe(kind !== 'corner');
  });
  it.each([
    ['11 px from a corner', px(108, 108), square, none],
    ['9 px from an edge', px(40, -9), square, none],
    ['7 px from a guide', px(300, 207), nothing, [px(250, 200)]],
    ['nothing there', px(5, 5), nothing, none],
  ] as const)('none: %s', (_, hand, targets, own) => {
    expect(snap(hand, targets, own, screen)).toBe(null);
  });
});
