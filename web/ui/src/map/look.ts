// How each vehicle is to be drawn, packed into one small integer per vehicle that
// both renderers read (exact in a float32).

import { UNKNOWN, phaseOf, unackedLevelOf } from '../live/frame';
import type { ClassName, Fleet } from '../live/fleet';
import type { VehicleAlert } from '../state/alert-book';
import type { Filter } from '../state/view';
import type { MonoMs } from '../units';

// Bit layout: 0-1 class, 2-4 phase, 5-6 stale, 7 unverified, 8 hidden, 9-10 alert
// level, 11 flashing, 12 selected, 13 followed, 14 heading unknown, 15 traffic, which
// has the silhouette of a class of the zone.
export const LOOK = {
  phaseShift: 2, staleShift: 5, unverified: 1 << 7, hidden: 1 << 8, levelShift: 9, flash: 1 << 11,
  selected: 1 << 12, followed: 1 << 13, noHeading: 1 << 14, traffic: 1 << 15,
} as const;

export type Stale = 0 | 1 | 2 | 3;

/** Ages in ms after which a position is late, old, and only the last known one. */
export const staleLimits: Record<ClassName, readonly [number, number, number]> = {
  uav: [1_000, 3_000, 30_000],
  icv: [1_000, 3_000, 30_000],
  usv: [5_000, 15_000, 120_000],
  unknown: [1_000, 3_000, 30_000],
  // Receivers report what they hear, which is rarer than once a second.
  aircraft: [5_000, 15_000, 30_000],
  vessel: [15_000, 30_000, 60_000],
};

export function staleOf(cls: ClassName, ageMs: number): Stale {
  if (Number.isNaN(ageMs)) return 3;
  const [late, old, last] = staleLimits[cls];
  return ageMs > last ? 3 : ageMs > old ? 2 : ageMs > late ? 1 : 0;
}

export const PHASES = [
  'unknown', 'parked', 'moving', 'holding', 'returning', 'landing', 'emergency', 'link_lost',
] as const;
/** The phase by name; reserved numbers are shown as unknown. */
export const phaseName = (status: number): (typeof PHASES)[number] => PHASES[phaseOf(status)] ?? 'unknown';

const SHAPES: Record<ClassName, number> = { uav: 0, icv: 1, usv: 2, unknown: 3, aircraft: 0 | LOOK.traffic, vessel: 2 | LOOK.traffic };

export interface LookInput {
  filter: Filter;
  selection: readonly string[];
  following: string | null;
  isolated: boolean;
  alerts: ReadonlyMap<string, VehicleAlert>;
  /** Everything counts as stale: no data comes. */
  stopped: boolean;
}

export interface VehicleState { level: number; unacked: boolean; stale: Stale }

/** What the record, the alert book and the clock say about one vehicle. */
export function stateOf(fleet: Fleet, slot: number, at: MonoMs, alerts: LookInput['alerts']): VehicleState {
  const bits = unackedLevelOf(fleet.status[slot]!);
  const known = alerts.get(fleet.id(slot));
  return {
    level: Math.max(bits, known?.level ?? 0),
    unacked: bits > 0 || (known?.unacked ?? false),
    stale: staleOf(fleet.className(slot), fleet.age(slot, at)),
  };
}

export function matches(fleet: Fleet, slot: number, f: Filter, s: VehicleState): boolean {
  if (f.cls && fleet.className(slot) !== f.cls) return false;
  if (f.state === 'alarm' && s.level === 0) return false;
  if (f.state === 'unverified' && !fleet.unverified(slot)) return false;
  if (f.state === 'stale' && s.stale === 0) return false;
  if ((PHASES as readonly string[]).includes(f.state) && phaseName(fleet.status[slot]!) !== f.state) return false;
  if (!f.q) return true;
  const q = f.q.toLowerCase();
  const d = fleet.entry(fleet.handle[slot]!);
  return d !== undefined && [d.id, d.name, d.org].some((text) => (text ?? '').toLowerCase().includes(q));
}

export interface LookResult {
  /** Slots to draw last, larger, with a mark. */
  marked: number[];
  visible: number;
  filteredOut: number;
  flashing: boolean;
}

/** Fills heading (radians) and look of each slot into out, two floats a slot. */
export function computeLooks(fleet: Fleet, at: MonoMs, input: LookInput, out: Float32Array): LookResult {
  const res: LookResult = { marked: [], visible: 0, filteredOut: 0, flashing: false };
  for (let s = 0; s < fleet.n; s++) {
    if (!fleet.hasPosition(s)) {
      out[2 * s + 1] = LOOK.hidden;
      continue;
    }
    const id = fleet.id(s);
    const st = stateOf(fleet, s, at, input.alerts);
    const selected = input.selection.includes(id);
    let k = SHAPES[fleet.className(s)] | ((phaseOf(fleet.status[s]!) & 7) << LOOK.phaseShift) | (st.stale << LOOK.staleShift);
    if (phaseOf(fleet.status[s]!) > 7) k &= ~(7 << LOOK.phaseShift);
    if (fleet.unverified(s)) k |= LOOK.unverified;
    if (selected) k |= LOOK.selected;
    if (id === input.following) k |= LOOK.followed;
    if (fleet.hdg[s] === UNKNOWN.hdg) k |= LOOK.noHeading;
    k |= st.level << LOOK.levelShift;
    if (st.level >= 2 && st.unacked) k |= LOOK.flash;
    // An alarm or the selection is never hidden by a filter.
    const pinned = selected || st.level > 0;
    if (!pinned && (input.isolated || !matches(fleet, s, input.filter, st))) {
      k |= LOOK.hidden;
      res.filteredOut++;
    } else {
      res.visible++;
      if (pinned || st.stale >= 2) res.marked.push(s);
      if (k & LOOK.flash) res.flashing = true;
    }
    out[2 * s] = fleet.hdg[s] === UNKNOWN.hdg ? 0 : (fleet.hdg[s]! / 18000) * Math.PI;
    out[2 * s + 1] = k;
  }
  return res;
}
