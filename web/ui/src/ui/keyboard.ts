// The keyboard map: which key does what, and when it does nothing.

export type Action =
  | 'search' | 'help' | 'zoomOut' | 'zoomIn' | 'panUp' | 'panDown' | 'panLeft' | 'panRight' | 'home' | 'follow'
  | 'labels' | 'isolate' | 'trails' | 'table' | 'nextAlert' | 'previousAlert' | 'acknowledge' | 'silence' | 'dim' | 'emergency' | 'escape';

/** By KeyboardEvent.key; letters that differ by Shift are different keys. */
export const KEYS: Readonly<Record<string, Action>> = {
  '/': 'search', '?': 'help', q: 'zoomOut', e: 'zoomIn',
  w: 'panUp', a: 'panLeft', s: 'panDown', d: 'panRight',
  ArrowUp: 'panUp', ArrowLeft: 'panLeft', ArrowDown: 'panDown', ArrowRight: 'panRight',
  h: 'home', f: 'follow', l: 'labels', i: 'isolate', t: 'trails', v: 'table',
  n: 'nextAlert', N: 'previousAlert', ' ': 'acknowledge', x: 'silence', b: 'dim', F: 'emergency', Escape: 'escape',
};

export interface KeyContext {
  /** Single-key shortcuts are on. */
  enabled: boolean;
  /** The focus is where text is typed. */
  inText: boolean;
  /** The focus is on a control that uses the key itself (button, list, option). */
  onControl: boolean;
  /** A modal dialog is open. */
  dialog: boolean;
}

export interface KeyPress { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean; repeat: boolean }

const REPEATING: ReadonlySet<Action> = new Set(['zoomIn', 'zoomOut', 'panUp', 'panDown', 'panLeft', 'panRight']);

/** What a key press asks for, or null. Escape always works: it is not a shortcut of one letter. */
export function actionFor(e: KeyPress, c: KeyContext): Action | null {
  if (e.ctrlKey || e.metaKey || e.altKey) return null;
  const action = KEYS[e.key];
  if (!action) return null;
  if (action === 'escape') return c.dialog ? null : action;
  if (!c.enabled || c.inText || c.dialog) return null;
  if (c.onControl && (e.key === ' ' || e.key.startsWith('Arrow'))) return null;
  if (e.repeat && !REPEATING.has(action)) return null;
  return action;
}
