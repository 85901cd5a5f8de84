// Picking on the CPU: where each vehicle is on the screen, and which is nearest.

import type { Fleet } from '../live/fleet';
import { LOOK } from './look';
import { toScreen, type Camera } from './renderer';

export const PICK_RADIUS = 12;

export interface ScreenPoint { slot: number; x: number; y: number }

/** All shown vehicles inside the view, with a margin, at mixing factor t. */
export function onScreen(fleet: Fleet, looks: Float32Array, c: Camera, t: number, margin = 20): ScreenPoint[] {
  const out: ScreenPoint[] = [];
  const p = { x: 0, y: 0 };
  for (let s = 0; s < fleet.n; s++) {
    if (!fleet.hasPosition(s) || looks[2 * s + 1]! & LOOK.hidden) continue;
    const x = fleet.prev[2 * s]! + (fleet.next[2 * s]! - fleet.prev[2 * s]!) * t;
    const y = fleet.prev[2 * s + 1]! + (fleet.next[2 * s + 1]! - fleet.prev[2 * s + 1]!) * t;
    if (!toScreen(c, x, y, p)) continue;
    if (p.x < -margin || p.y < -margin || p.x > c.width + margin || p.y > c.height + margin) continue;
    out.push({ slot: s, x: p.x, y: p.y });
  }
  return out;
}

/** The nearest vehicle within the radius; an alarmed one wins over a nearer one. */
export function pick(points: readonly ScreenPoint[], looks: Float32Array, x: number, y: number): number {
  let best = -1;
  let bestKey = Infinity;
  for (const p of points) {
    const d = Math.hypot(p.x - x, p.y - y);
    if (d > PICK_RADIUS) continue;
    const alarmed = ((looks[2 * p.slot + 1]! >> LOOK.levelShift) & 3) > 0;
    const key = d + (alarmed ? 0 : 1_000);
    if (key < bestKey) [best, bestKey] = [p.slot, key];
  }
  return best;
}
