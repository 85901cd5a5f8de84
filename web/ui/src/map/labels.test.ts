import { describe, expect, it } from 'vitest';
import { MAX_LABELS, placeLabels, type LabelWish } from './labels';

const centre = { x: 400, y: 300 };
const wish = (slot: number, x: number, y: number, rank = 3): LabelWish => ({ slot, x, y, width: 60, height: 16, rank });
const place = (wishes: LabelWish[], symbols: { slot: number; x: number; y: number }[] = wishes) => placeLabels(wishes, symbols, 8, centre);
const boxes = (wishes: LabelWish[]) =>
  place(wishes).map((p) => {
    const w = wishes.find((v) => v.slot === p.slot)!;
    return { slot: p.slot, l: w.x + p.dx, t: w.y + p.dy, r: w.x + p.dx + w.width, b: w.y + p.dy + w.height };
  });

describe('placing', () => {
  it('prefers the right side', () => {
    expect(place([wish(1, 100, 100)])[0]).toEqual({ slot: 1, dx: 11, dy: -8 });
  });
  it('tries left, above, below when a symbol is in the way', () => {
    const w = wish(1, 100, 100);
    const right = { slot: 2, x: 130, y: 100 };
    const left = { slot: 3, x: 70, y: 100 };
    expect(place([w], [w, right])[0]!.dx).toBe(-71);
    expect(place([w], [w, right, left])[0]!.dy).toBe(-27);
    expect(place([w], [w, right, left, { slot: 4, x: 100, y: 80 }])[0]!.dy).toBe(11);
  });
  it('drops a label that has no room; it never covers a symbol', () => {
    const w = wish(1, 100, 100);
    const around = [[130, 100], [70, 100], [100, 80], [100, 120]].map(([x, y], i) => ({ slot: 10 + i, x: x!, y: y! }));
    expect(place([w], [w, ...around])).toEqual([]);
  });
  it('gives the room to the alarmed one, then to the nearest to the centre', () => {
    const a = wish(1, 380, 300);
    const b = wish(2, 380, 302, 0);
    const first = place([a, b])[0]!;
    expect(first.slot).toBe(2);
    expect(place([wish(1, 10, 10), wish(2, 400, 290)])[0]!.slot).toBe(2);
  });
  it('no two labels and no foreign symbol overlap in a crowd, and at most 150 are placed', () => {
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const crowd = Array.from({ length: 600 }, (_, i) => wish(i + 1, random() * 2400, random() * 1600));
    const placed = boxes(crowd);
    expect(placed.length).toBeGreaterThan(100);
    expect(placed.length).toBeLessThanOrEqual(MAX_LABELS);
    const over = (p: { l: number; t: number; r: number; b: number }, q: typeof p) => p.l < q.r && q.l < p.r && p.t < q.b && q.t < p.b;
    const symbol = (c: LabelWish) => ({ l: c.x - 8, t: c.y - 8, r: c.x + 8, b: c.y + 8 });
    const clashes = placed.flatMap((p, i) => [
      ...placed.slice(i + 1).filter((q) => over(p, q)),
      ...crowd.filter((c) => c.slot !== p.slot && over(p, symbol(c))),
    ]);
    expect(clashes).toEqual([]);
  });
});
