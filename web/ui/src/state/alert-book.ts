// The alerts that this page knows, by id. Messages and HTTP answers may arrive in
// any order and more than once; the newest state of an alert wins.

import type { Alert } from '../api/types';

/** What an alert that arrived means to a person. */
export type Outcome = 'raised' | 'escalated' | 'acknowledged' | 'updated' | 'old';

const MAX_CLOSED = 1000;

export const isUnacked = (a: Alert): boolean => a.open && a.acknowledged === null;

/** Whether it concerns who looks at some sectors, null at all: what is critical, and what began where nobody knows, concerns everybody. */
export const concerns = (a: Pick<Alert, 'level' | 'sectors'>, sectors: readonly string[] | null): boolean =>
  sectors === null || a.level >= 3 || !a.sectors?.length || a.sectors.some((s) => sectors.includes(s));

/** Whether b says more than a about the same alert. */
function newer(a: Alert, b: Alert): boolean {
  const steps = [
    b.count - a.count,
    Date.parse(b.last_at) - Date.parse(a.last_at),
    Number(b.acknowledged !== null) - Number(a.acknowledged !== null),
    Number(b.cleared_at !== null) - Number(a.cleared_at !== null),
    b.level - a.level,
    Number(a.open) - Number(b.open),
  ];
  return (steps.find((s) => s !== 0 && !Number.isNaN(s)) ?? 0) > 0;
}

export interface VehicleAlert { level: number; unacked: boolean }

export class AlertBook {
  private readonly byId = new Map<string, Alert>();
  private touched: Set<string> | null = null;

  get(id: string): Alert | undefined {
    return this.byId.get(id);
  }

  apply(a: Alert): Outcome {
    this.touched?.add(a.id);
    const old = this.byId.get(a.id);
    if (old && !newer(old, a)) return 'old';
    this.byId.set(a.id, a);
    if (!a.open) this.prune();
    if (!old) return isUnacked(a) ? 'raised' : 'updated';
    if (!old.acknowledged && a.acknowledged) return 'acknowledged';
    if (isUnacked(a) && (a.level > old.level || !isUnacked(old))) return 'escalated';
    return 'updated';
  }

  clear(): void {
    this.byId.clear();
    this.touched = null;
  }

  /** Call before asking the server for the open alerts … */
  beginLoad(): void {
    this.touched = new Set();
  }

  /** … and with its answer: what is neither in it nor changed meanwhile is closed. */
  finishLoad(open: readonly Alert[]): Alert[] {
    const touched = this.touched ?? new Set<string>();
    this.touched = null;
    const raised = open.filter((a) => this.apply(a) === 'raised');
    const listed = new Set(open.map((a) => a.id));
    for (const [id, a] of this.byId) {
      if (a.open && !listed.has(id) && !touched.has(id)) this.byId.set(id, { ...a, open: false });
    }
    return raised;
  }

  /** Open alerts: what needs a person first, then by level, then newest. */
  open(): Alert[] {
    return [...this.byId.values()]
      .filter((a) => a.open)
      .sort(
        (a, b) =>
          Number(isUnacked(b)) - Number(isUnacked(a)) ||
          b.level - a.level ||
          b.raised_at.localeCompare(a.raised_at) ||
          a.id.localeCompare(b.id),
      );
  }

  /** The highest open alert of each vehicle, by vehicle id. */
  byVehicle(): Map<string, VehicleAlert> {
    const out = new Map<string, VehicleAlert>();
    for (const a of this.byId.values()) {
      if (!a.open) continue;
      const have = out.get(a.vehicle.id);
      out.set(a.vehicle.id, {
        level: Math.max(have?.level ?? 0, a.level),
        unacked: (have?.unacked ?? false) || isUnacked(a),
      });
    }
    return out;
  }

  /** Fences that an alert says are breached now. */
  breachedFences(): Set<string> {
    const out = new Set<string>();
    for (const a of this.byId.values()) if (a.open && !a.cleared_at && a.fence) out.add(a.fence.id);
    return out;
  }

  private prune(): void {
    if (this.byId.size <= MAX_CLOSED) return;
    for (const [id, a] of this.byId) {
      if (!a.open) this.byId.delete(id);
      if (this.byId.size <= MAX_CLOSED) return;
    }
  }
}
