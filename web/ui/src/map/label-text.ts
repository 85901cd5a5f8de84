// What a vehicle's label says, by level.

import { UNKNOWN } from '../live/frame';
import { fleet, vehicleAlerts } from '../state/ops';
import { shortAge } from '../state/clock';
import { formatNumber, t } from '../i18n/later';
import { now } from '../units';
import type { ClassName } from '../live/fleet';
import type { LabelText } from './label-layer';
import { stateOf } from './look';

/** Speed in the unit of the class: km/h on roads, knots on water, m/s in the air. */
export function speedText(cls: ClassName, mps: number | null): string {
  if (mps === null) return '–';
  if (cls === 'icv') return `${formatNumber(mps * 3.6)} km/h`;
  if (cls === 'usv' || cls === 'vessel') return `${formatNumber(mps * 1.943844, 1)} kn`;
  return `${formatNumber(mps, 1)} m/s`;
}

export const altitudeOf = (slot: number): number | null =>
  fleet.alt[slot] === UNKNOWN.alt ? null : fleet.alt[slot]! / 4;
export const speedOf = (slot: number): number | null =>
  fleet.spd[slot] === UNKNOWN.spd ? null : fleet.spd[slot]! / 100;

export function labelText(slot: number, full: boolean): LabelText {
  const s = stateOf(fleet, slot, now(), vehicleAlerts.peek());
  const lines = [fleet.name(slot)];
  const age = fleet.age(slot, now());
  if (full) {
    const alt = altitudeOf(slot);
    const speed = speedText(fleet.className(slot), speedOf(slot));
    lines.push(['uav', 'aircraft'].includes(fleet.className(slot)) ? `${alt === null ? '–' : formatNumber(alt)} m · ${speed}` : speed);
    if (fleet.unverified(slot)) lines.push(t('unverified'));
  }
  if (s.stale === 3 && !Number.isNaN(age)) lines.push(t('stale.last', { age: shortAge(age) }));
  return { lines, warn: s.level >= 3 };
}
