// The rows of the vehicle table: filtered, sorted, as slots of the fleet.

import { isTraffic, type Fleet } from '../live/fleet';
import { UNKNOWN, phaseOf } from '../live/frame';
import { matches, stateOf, type LookInput, type VehicleState } from '../map/look';
import type { Box } from '../map/view';
import type { Filter, Sort, SortKey } from '../state/view';
import type { MonoMs } from '../units';

export interface VehicleRow { slot: number; id: string; state: VehicleState }

/** Unknown values sort last in either direction. */
function keyOf(fleet: Fleet, r: VehicleRow, key: SortKey, at: MonoMs): number | string | null {
  const s = r.slot;
  switch (key) {
    case 'class': return fleet.cls[s]!;
    case 'name': return fleet.name(s);
    case 'state': return phaseOf(fleet.status[s]!);
    case 'alt': return fleet.alt[s] === UNKNOWN.alt ? null : fleet.alt[s]!;
    case 'speed': return fleet.spd[s] === UNKNOWN.spd ? null : fleet.spd[s]!;
    case 'batt': return fleet.batt[s] === UNKNOWN.batt ? null : fleet.batt[s]!;
    case 'age': return Number.isNaN(fleet.fixAt[s]!) ? null : fleet.age(s, at);
  }
}

const collator = new Intl.Collator(undefined, { numeric: true });

export function vehicleRows(
  fleet: Fleet, at: MonoMs, f: Filter, view: Box | null, alerts: LookInput['alerts'], sort: Sort,
): VehicleRow[] {
  const rows: VehicleRow[] = [];
  for (const slot of fleet.occupiedSlots()) {
    if (!f.all && view) {
      if (!fleet.hasPosition(slot)) continue;
      const lon = fleet.lonDeg(slot);
      const lat = fleet.latDeg(slot);
      if (lon < view[0] || lat < view[1] || lon > view[2] || lat > view[3]) continue;
    }
    const state = stateOf(fleet, slot, at, alerts);
    if (matches(fleet, slot, f, state)) rows.push({ slot, id: fleet.id(slot), state });
  }
  const sign = sort.down ? -1 : 1;
  const keyed = rows.map((row) => ({
    row, key: keyOf(fleet, row, sort.key, at), name: fleet.name(row.slot), traffic: Number(isTraffic(fleet.className(row.slot))),
  }));
  keyed.sort((a, b) => {
    if (a.row.state.level !== b.row.state.level) return b.row.state.level - a.row.state.level;
    if (a.traffic !== b.traffic) return a.traffic - b.traffic; // the zone's own first
    if ((a.key === null) !== (b.key === null)) return a.key === null ? 1 : -1;
    const order = typeof a.key === 'number' && typeof b.key === 'number' ? a.key - b.key : 0;
    return sign * (order || (sort.key === 'name' ? collator.compare(a.name, b.name) : 0)) || collator.compare(a.name, b.name);
  });
  return keyed.map((k) => k.row);
}
