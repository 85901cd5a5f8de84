import { describe, expect, it } from 'vitest';
import { AGAIN_MS, BOUNCE_MS, HOLD_MS, idle, pass, press, release, type Held } from './hold';

type Act = readonly ['press' | 'release' | 'pass', number];

/** How often it fired, and where it ends. */
function run(key: boolean, acts: readonly Act[]): [number, string] {
  let [now, fires]: [Held, number] = [{ hold: idle, fire: false }, 0];
  for (const [what, at] of acts) {
    now = what === 'press' ? press(now.hold, at, key) : what === 'release' ? release(now.hold, at, key) : pass(now.hold, at);
    if (now.fire) fires++;
  }
  return [fires, now.hold.step];
}

describe('hold to confirm', () => {
  it.each<[string, boolean, readonly Act[], number, string]>([
    ['held by mouse', false, [['press', 0], ['pass', HOLD_MS], ['release', HOLD_MS + 50]], 1, 'idle'],
    ['held by key', true, [['press', 0], ['pass', HOLD_MS], ['release', HOLD_MS + 50]], 1, 'idle'],
    ['a late clock', false, [['press', 0], ['release', HOLD_MS]], 1, 'idle'],
    ['a click', false, [['press', 0], ['release', HOLD_MS - 1]], 0, 'short'],
    ['two clicks', false, [['press', 0], ['release', 80], ['press', 500], ['release', 580]], 0, 'short'],
    ['a key once', true, [['press', 0], ['release', 80]], 0, 'again'],
    ['a key twice', true, [['press', 0], ['release', 80], ['press', 80 + BOUNCE_MS]], 1, 'idle'],
    ['a key that bounces', true, [['press', 0], ['release', 80], ['press', 79 + BOUNCE_MS], ['release', 340]], 0, 'again'],
    ['a key again, too late', true, [['press', 0], ['release', 80], ['press', 81 + AGAIN_MS], ['release', 90 + AGAIN_MS]], 0, 'again'],
    ['asked for again in vain', true, [['press', 0], ['release', 80], ['pass', 81 + AGAIN_MS]], 0, 'idle'],
    ['let go after it fired', false, [['press', 0], ['pass', HOLD_MS], ['pass', 2 * HOLD_MS], ['release', 3 * HOLD_MS]], 1, 'idle'],
  ])('%s', (_, key, acts, fires, step) => {
    expect(run(key, acts)).toEqual([fires, step]);
  });
});
