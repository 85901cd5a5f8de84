// Hold to confirm: a press counts when it has lasted long enough. Keys have a second
// way, for whom holding one is hard: the press is repeated.

/** By mouse, finger or key. */
export const HOLD_MS = 600;
/** How long a second press of a key still belongs to the first. */
export const AGAIN_MS = 5_000;
/** Sooner it is the same press: the key bounces. */
export const BOUNCE_MS = 250;

/** short: a mouse or finger let go too soon; again: a key did, and may be pressed again. */
export interface Hold { step: 'idle' | 'holding' | 'short' | 'again'; at: number }
export interface Held { hold: Hold; fire: boolean }

export const idle: Hold = { step: 'idle', at: 0 };
const fired: Held = { hold: idle, fire: true };

export function press(h: Hold, at: number, key: boolean): Held {
  const since = at - h.at;
  if (key && h.step === 'again' && since >= BOUNCE_MS && since <= AGAIN_MS) return fired;
  return { hold: { step: 'holding', at }, fire: false };
}

export function release(h: Hold, at: number, key: boolean): Held {
  if (h.step !== 'holding') return { hold: h, fire: false };
  if (at - h.at >= HOLD_MS) return fired;
  return { hold: { step: key ? 'again' : 'short', at }, fire: false };
}

/** What time alone does. */
export function pass(h: Hold, at: number): Held {
  const since = at - h.at;
  if (h.step === 'holding' && since >= HOLD_MS) return fired;
  if ((h.step === 'short' || h.step === 'again') && since > AGAIN_MS) return { hold: idle, fire: false };
  return { hold: h, fire: false };
}
