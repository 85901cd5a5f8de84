// What a plan looks like on the map: the way of a mission, areas, circles and points.

import type { PlanItem, PlanKind } from '../api/plans';

export interface At { lat: number; lon: number }
export interface PlanShape {
  /** The way of a mission, through all items that are flown to. */
  way: At[];
  /** Items with a place; n from 1. */
  points: (At & { n: number })[];
  areas: { inside: boolean; ring: At[] }[];
  circles: (At & { inside: boolean; radiusM: number })[];
}

/** Commands that fly somewhere, and those that only have a place (MAV_CMD). */
const FLOWN = new Set([16, 17, 18, 19, 21, 22, 31, 82, 84, 85, 94]);
const PLACED = new Set([80, 179, 189, 192, 195, 201, 5000, 5100]);
const NO_POSITION = 2; // MAV_FRAME_MISSION

/** Where an item is; null: nowhere, or (0, 0) where the vehicle is then. */
export function placeOf(i: PlanItem): At | null {
  const [lat, lon] = [i.params?.[4], i.params?.[5]];
  if (i.frame === NO_POSITION || typeof lat !== 'number' || typeof lon !== 'number' || (lat === 0 && lon === 0)) return null;
  return FLOWN.has(i.command) || PLACED.has(i.command) || (i.command >= 5000 && i.command <= 5004) ? { lat, lon } : null;
}

export function shapeOfPlan(kind: PlanKind, items: readonly PlanItem[]): PlanShape {
  const out: PlanShape = { way: [], points: [], areas: [], circles: [] };
  for (let n = 0; n < items.length; n++) {
    const item = items[n]!;
    const at = placeOf(item);
    if (!at) continue;
    const size = item.params?.[0] ?? 0;
    if (kind === 'fence' && (item.command === 5001 || item.command === 5002)) {
      const ring = items.slice(n, n + size).map(placeOf).filter((p) => p !== null);
      out.areas.push({ inside: item.command === 5001, ring });
      n += Math.max(size, 1) - 1;
    } else if (kind === 'fence' && item.command !== 5000) {
      out.circles.push({ ...at, inside: item.command === 5003, radiusM: size });
    } else {
      out.points.push({ ...at, n: n + 1 });
      if (kind === 'mission' && FLOWN.has(item.command)) out.way.push(at);
    }
  }
  return out;
}
