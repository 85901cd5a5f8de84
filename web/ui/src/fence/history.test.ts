import { describe, expect, it } from 'vitest';
import { pushed, redone, timeline, undone } from './history';

describe('undo and redo', () => {
  it('go back and forth to the same states', () => {
    let t = timeline<string | null>(null);
    for (const s of ['a', 'b', 'c']) t = pushed(t, s);
    t = undone(undone(t));
    expect(t.present).toBe('a');
    t = redone(t);
    expect([t.present, t.future]).toEqual(['b', ['c']]);
    expect(undone(undone(undone(undone(t)))).present).toBeNull();
  });
  it('a new state forgets what was undone', () => {
    const t = pushed(undone(pushed(pushed(timeline('a'), 'b'), 'c')), 'd');
    expect([t.past, t.present, t.future]).toEqual([['a', 'b'], 'd', []]);
    expect(redone(t)).toBe(t);
  });
  it('the same state is none, and the depth is bounded', () => {
    const a = timeline('a');
    expect(pushed(a, 'a')).toBe(a);
    let t = timeline(0);
    for (let i = 1; i < 1000; i++) t = pushed(t, i);
    expect(t.past).toHaveLength(200);
    expect(undone(t).present).toBe(998);
  });
});
