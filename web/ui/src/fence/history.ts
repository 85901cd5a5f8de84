// Undo and redo as a stack of states. A state is never changed, only replaced.

export interface Timeline<T> {
  readonly past: readonly T[];
  readonly present: T;
  readonly future: readonly T[];
}

const DEPTH = 200;

export const timeline = <T>(present: T): Timeline<T> => ({ past: [], present, future: [] });

/** A new state; what was undone before is forgotten. */
export const pushed = <T>(t: Timeline<T>, next: T): Timeline<T> =>
  Object.is(next, t.present) ? t : { past: [...t.past, t.present].slice(-DEPTH), present: next, future: [] };

export function undone<T>(t: Timeline<T>): Timeline<T> {
  if (t.past.length === 0) return t;
  return { past: t.past.slice(0, -1), present: t.past[t.past.length - 1]!, future: [t.present, ...t.future] };
}

export function redone<T>(t: Timeline<T>): Timeline<T> {
  const [next, ...rest] = t.future;
  return t.future.length === 0 ? t : { past: [...t.past, t.present], present: next as T, future: rest };
}
