import { expect, it } from 'vitest';
import { Backoff } from './backoff';

it('doubles from 250 ms to 10 s, and begins again after a success', () => {
  const b = new Backoff(() => 0.999999);
  const got = Array.from({ length: 8 }, () => b.next());
  expect(got).toEqual([249, 499, 999, 1999, 3999, 7999, 9999, 9999]);
  b.reset();
  expect(b.next()).toBe(249);
});

it('has full jitter: any delay from nothing to the ceiling', () => {
  const b = new Backoff(() => 0);
  b.next();
  b.next();
  expect(b.next()).toBe(0);
  expect(b.ceiling).toBe(2000);
});
