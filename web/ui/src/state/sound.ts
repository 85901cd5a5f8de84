// Alarm tones, made here, driven by timers and by the live socket: a tab in the
// background must still sound. Browsers allow sound only after a gesture; until
// then `soundState` is 'blocked' and the page says so in red.

import { signal } from '@preact/signals';
import { now, type MonoMs } from '../units';

export type SoundState = 'blocked' | 'on' | 'silenced';
export const soundState = signal<SoundState>('blocked');
export const silencedFor = signal(0);
/** How often a tone was started, for tests and the self-test. */
export const tonesPlayed = signal(0);

const SILENCE_MS = 120_000;
const REPEAT_MS = 2_000;

let ctx: AudioContext | null = null;
let silencedUntil = 0;
let silencedIds: ReadonlySet<string> = new Set();
let critical: readonly string[] = [];
let lastCriticalAt = -Infinity;

function refresh(at: MonoMs = now()): void {
  const left = Math.max(0, Math.ceil((silencedUntil - at) / 1000));
  silencedFor.value = left;
  soundState.value = ctx?.state !== 'running' ? 'blocked' : left > 0 ? 'silenced' : 'on';
}

/** Call from a user gesture. */
export async function unlockSound(): Promise<void> {
  ctx ??= new AudioContext();
  ctx.onstatechange = () => refresh();
  try {
    await ctx.resume();
  } finally {
    refresh();
  }
}

/** One beep of f Hz, at seconds from now, with soft edges against clicks. */
function beep(f: number, at: number, length: number, gain: number): void {
  if (!ctx || ctx.state !== 'running') return;
  const osc = ctx.createOscillator();
  const amp = ctx.createGain();
  const t0 = ctx.currentTime + at;
  osc.type = 'triangle';
  osc.frequency.value = f;
  amp.gain.setValueAtTime(0, t0);
  amp.gain.linearRampToValueAtTime(gain, t0 + 0.015);
  amp.gain.setValueAtTime(gain, t0 + length - 0.03);
  amp.gain.linearRampToValueAtTime(0, t0 + length);
  osc.connect(amp).connect(ctx.destination);
  osc.start(t0);
  osc.stop(t0 + length);
}

/** The tone of a level; a caution has none. */
export function playTone(level: number): void {
  if (level >= 3) for (const [i, f] of [988, 740, 988, 740].entries()) beep(f, i * 0.16, 0.14, 0.3);
  else if (level === 2) for (const [i, f] of [587, 784].entries()) beep(f, i * 0.2, 0.18, 0.2);
  if (level >= 2) tonesPlayed.value++;
}

/** An alert was raised or its level rose. */
export function soundRaised(level: number): void {
  if (level === 2 && now() >= silencedUntil) playTone(2);
}

/** The critical alerts that nobody has acknowledged yet. */
export function setCritical(ids: readonly string[]): void {
  critical = ids;
  soundTick();
}

/** Repeats the critical tone while it is due. Call often, from anywhere. */
export function soundTick(): void {
  const at = now();
  refresh(at);
  const silenced = at < silencedUntil;
  const due = critical.some((id) => !silenced || !silencedIds.has(id));
  if (!due || at - lastCriticalAt < REPEAT_MS) return;
  lastCriticalAt = at;
  playTone(3);
}

/** Two minutes of silence, except for critical alerts that are new. */
export function silence(): void {
  silencedUntil = now() + SILENCE_MS;
  silencedIds = new Set(critical);
  refresh();
}

export function startSound(): () => void {
  const timer = window.setInterval(soundTick, 500);
  const gesture = () => {
    if (ctx?.state !== 'running') void unlockSound();
  };
  window.addEventListener('pointerdown', gesture);
  window.addEventListener('keydown', gesture);
  return () => {
    window.clearInterval(timer);
    window.removeEventListener('pointerdown', gesture);
    window.removeEventListener('keydown', gesture);
  };
}
