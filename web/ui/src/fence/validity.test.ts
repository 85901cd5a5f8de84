import { describe, expect, it } from 'vitest';
import type { LonLat, Ring, Shape } from './shape';
import { faultsOf, faultsOfPath, meet, side } from './validity';

const polygon = (...rings: Ring[]): Shape => ({ kind: 'polygons', polygons: [rings] });
const codes = (s: Shape | null) => faultsOf(s).map((f) => f.code);
const box: Ring = [[0, 0], [10, 0], [10, 10], [0, 10]];

describe('exact predicates', () => {
  it('decide one unit of the lattice across the globe', () => {
    const a = [-1_800_000_000, -900_000_000] as const;
    const b = [1_800_000_000, 900_000_000] as const;
    expect([side(a, b, [0, 1]), side(a, b, [0, 0]), side(a, b, [0, -1])]).toEqual([1, 0, -1]);
    // The cross product is 1; in double precision it is 0.
    expect(side(a, [1_799_999_999, 899_999_998], [600_000_000, 299_999_999])).toBe(1);
  });
  it('segments that touch meet', () => {
    expect(meet([0, 0], [10, 0], [5, 0], [5, 5])).toBe(true);
    expect(meet([0, 0], [10, 0], [5, 1], [5, 5])).toBe(false);
    expect(meet([0, 0], [10, 0], [11, 0], [12, 0])).toBe(false);
    expect(meet([0, 0], [10, 0], [9, 0], [12, 0])).toBe(true);
  });
});

describe('faults', () => {
  it.each<[string, Shape | null, string[]]>([
    ['nothing', null, ['empty']],
    ['a good box', polygon(box), []],
    ['clockwise is as good', polygon([...box].reverse()), []],
    ['two corners', polygon([[0, 0], [1, 1]]), ['few_vertices']],
    ['two different corners', polygon([[0, 0], [1, 1], [0, 0], [1, 1]]), ['few_vertices']],
    ['on one line', polygon([[0, 0], [1, 1], [2, 2]]), ['zero_area']],
    ['bow tie', polygon([[0, 0], [10, 10], [10, 0], [0, 10]]), ['crossing']],
    ['a corner on another edge', polygon([[0, 0], [10, 0], [10, 10], [5, 0], [0, 10]]), ['crossing', 'crossing']],
    ['spike', polygon([[0, 0], [10, 0], [20, 0], [10, 0], [10, 10]]), ['spike']],
    ['a repeated corner is mended', polygon([[0, 0], [10, 0], [10, 0], [10, 10]]), []],
    ['hole within', polygon(box, [[2, 2], [4, 2], [4, 4]]), []],
    ['hole outside', polygon(box, [[20, 2], [24, 2], [24, 4]]), ['hole_outside']],
    ['hole that crosses', polygon(box, [[8, 2], [14, 2], [14, 4]]), ['crossing']],
    ['holes that cross', polygon(box, [[2, 2], [5, 2], [5, 5]], [[3, 1], [6, 1], [4, 4]]), ['crossing']],
    ['off the globe', polygon([[0, 0], [181, 0], [10, 10]]), ['range']],
    ['not a number', polygon([[0, 0], [NaN, 0], [10, 10]]), ['range']],
    ['near a pole', polygon([[0, 0], [10, 0], [10, 89.5]]), ['pole']],
    ['circle', { kind: 'circle', center: [0, 0], radiusM: 200 }, []],
    ['circle without radius', { kind: 'circle', center: [0, 0], radiusM: NaN }, ['radius']],
    ['corridor', { kind: 'corridor', line: [[0, 0], [1, 1]], widthM: 50 }, []],
    ['corridor of one point', { kind: 'corridor', line: [[0, 0], [0, 0]], widthM: 50 }, ['short_line']],
    ['corridor without width', { kind: 'corridor', line: [[0, 0], [1, 1]], widthM: 0 }, ['width']],
  ])('%s', (_name, s, want) => expect(codes(s)).toEqual(want));

  it('a crossing names both edges and marks them', () => {
    const [f] = faultsOf(polygon([[0, 0], [10, 10], [10, 0], [0, 10]]));
    expect(f).toMatchObject({ edgeA: 0, edgeB: 2, marks: [[[0, 0], [10, 10]], [[10, 0], [0, 10]]] });
  });
  it('a way that is being drawn has no closing edge yet', () => {
    const open: LonLat[] = [[0, 0], [10, 0], [10, 10], [5, 5], [5, -5]];
    expect(faultsOfPath(open).map((f) => [f.edgeA, f.edgeB])).toEqual([[0, 3]]);
    expect(faultsOfPath(open.slice(0, 4))).toEqual([]);
  });
  it('agrees with a naive check on random rings', () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let n = 0; n < 400; n++) {
      const ring: LonLat[] = Array.from({ length: 3 + Math.floor(random() * 5) }, () => [Math.floor(random() * 7), Math.floor(random() * 7)]);
      const found = codes(polygon(ring));
      const got = found.includes('crossing');
      if (found.includes('spike')) continue;
      if (new Set(ring.map(String)).size < ring.length) continue;
      const flat = ring.every((p) => side(ring[0]!, ring[1]!, p) === 0);
      let want = false;
      for (let i = 0; i < ring.length && !flat; i++) {
        for (let j = i + 2; j < ring.length; j++) {
          if (i === 0 && j === ring.length - 1) continue;
          if (meet(ring[i]!, ring[i + 1]!, ring[j]!, ring[(j + 1) % ring.length]!)) want = true;
        }
      }
      expect(got, JSON.stringify(ring)).toBe(want);
    }
  });
});

it('a vertex that is off the map is named by polygon, ring and place in it', () => {
  const ok: LonLat[] = [[0, 0], [1, 0], [1, 1]];
  const bad: LonLat[] = [[0, 0], [1, 0], [1, 91]];
  expect(faultsOf({ kind: 'polygons', polygons: [[ok], [ok, bad]] })).toEqual([{ code: 'range', polygon: 1, ring: 1, vertex: 2, marks: [] }]);
  expect(faultsOf({ kind: 'corridor', line: [[0, 0], [0, 89.5]], widthM: 10 })[0]).toMatchObject({ code: 'pole', vertex: 1 });
});
