// A fence while it is edited. Numbers stay as typed until the fence is built, so
// that a half-typed number is never changed under the user's hands.

import type { Fence, FenceInput, Height } from '../api/types';
import { geometryOf } from './measure';
import { shapeOf, type Shape } from './shape';
import { alwaysInForce, formOf, scheduleOf, type ScheduleFault, type ScheduleForm } from './schedule';

export const KINDS = ['keep_out', 'keep_in', 'speed_limit'] as const;
export const DATUMS = ['amsl', 'wgs84', 'agl', 'takeoff'] as const;
export const RESPONSES = ['warn', 'hold', 'return', 'land', 'stop'] as const;
export type ClassName = 'uav' | 'icv' | 'usv';
export type Kind = (typeof KINDS)[number];
export type Datum = (typeof DATUMS)[number];
export type Response = (typeof RESPONSES)[number];

/** Empty metres: no limit. */
export interface HeightForm { readonly m: string; readonly datum: Datum }

export interface Draft {
  readonly name: string;
  readonly kind: Kind;
  readonly floor: HeightForm;
  readonly ceiling: HeightForm;
  readonly classes: readonly ClassName[];
  readonly response: Response;
  readonly speed: string;
  readonly margin: string;
  readonly edges: 'lonlat' | 'geodesic';
  readonly group: string;
  /** Ids, separated by commas or white space. */
  readonly operators: string;
  readonly vehicles: string;
  readonly exemptOperators: string;
  readonly exemptVehicles: string;
  readonly permits: string;
  readonly exemptPermits: string;
  readonly schedule: ScheduleForm;
}

export type Field = 'name' | 'kind' | 'floor' | 'ceiling' | 'classes' | 'response' | 'speed' | 'margin' | 'edges' | 'group' | 'who' | 'schedule' | 'shape';
export type DraftCode = 'name' | 'height' | 'band' | 'speed' | 'margin';

/** A fault at a field: found here by code, or said by the server in words. */
export interface FieldFault { readonly field: Field | null; readonly code?: DraftCode; readonly schedule?: ScheduleFault; readonly text?: string; readonly at?: string }

export const newDraft: Draft = {
  name: '', kind: 'keep_out', floor: { m: '', datum: 'amsl' }, ceiling: { m: '', datum: 'amsl' }, classes: [], response: 'warn',
  speed: '', margin: '', edges: 'lonlat', group: '', operators: '', vehicles: '', exemptOperators: '', exemptVehicles: '', permits: '', exemptPermits: '', schedule: alwaysInForce,
};

const heightForm = (h: Height | null | undefined): HeightForm =>
  h ? { m: String(h.m), datum: h.datum as Datum } : { m: '', datum: 'amsl' };
const ids = (text: string): string[] => [...new Set(text.split(/[\s,，;；]+/).filter(Boolean))];
const text = (list: readonly string[] | null | undefined) => (list ?? []).join(', ');

export function draftOf(f: Fence, tz: string): { draft: Draft; shape: Shape | null } {
  const a = f.applies;
  return {
    shape: shapeOf(f),
    draft: {
      name: f.name, kind: f.kind as Kind, floor: heightForm(f.floor), ceiling: heightForm(f.ceiling),
      classes: a.classes ?? [], response: f.response as Response,
      speed: f.speed_mps ? String(f.speed_mps) : '', margin: f.margin_m ? String(f.margin_m) : '',
      edges: f.edges, group: f.group,
      operators: text(a.operators), vehicles: text(a.vehicles),
      exemptOperators: text(a.exempt_operators), exemptVehicles: text(a.exempt_vehicles),
      permits: text(a.permits), exemptPermits: text(a.exempt_permits),
      schedule: formOf(f.schedule, tz),
    },
  };
}

const number = (s: string): number => (s.trim() === '' ? NaN : Number(s.replace(',', '.')));

function heightOf(h: HeightForm, field: 'floor' | 'ceiling', faults: FieldFault[]): Height | null {
  if (h.m.trim() === '') return null;
  const m = number(h.m);
  if (!(m >= -1000 && m <= 100_000)) {
    faults.push({ field, code: 'height' });
    return null;
  }
  return { m, datum: h.datum };
}

/** The fence as the API wants it; what is at its default is left out. */
export function inputOf(d: Draft, shape: Shape, tz: string): { input: FenceInput; faults: FieldFault[] } {
  const faults: FieldFault[] = [];
  if (d.name.trim() === '' || d.name.length > 120) faults.push({ field: 'name', code: 'name' });
  const floor = heightOf(d.floor, 'floor', faults);
  const ceiling = heightOf(d.ceiling, 'ceiling', faults);
  if (floor && ceiling && floor.datum === ceiling.datum && floor.m >= ceiling.m) faults.push({ field: 'ceiling', code: 'band' });
  const planned = scheduleOf(d.schedule, tz);
  for (const f of planned.faults) faults.push({ field: 'schedule', schedule: f });
  const speed = number(d.speed);
  if (d.kind === 'speed_limit' && !(speed > 0 && speed <= 1000)) faults.push({ field: 'speed', code: 'speed' });
  const margin = d.margin.trim() === '' ? 0 : number(d.margin);
  if (!(margin >= 0 && margin <= 10_000)) faults.push({ field: 'margin', code: 'margin' });
  const who = {
    operators: ids(d.operators), vehicles: ids(d.vehicles),
    exempt_operators: ids(d.exemptOperators), exempt_vehicles: ids(d.exemptVehicles),
    permits: ids(d.permits), exempt_permits: ids(d.exemptPermits),
  };
  const named = Object.fromEntries(Object.entries(who).filter(([, list]) => list.length > 0));
  const input: FenceInput = {
    name: d.name.trim(), kind: d.kind, ...geometryOf(shape), floor, ceiling,
    applies: { classes: [...d.classes], ...named }, response: d.response, edges: d.edges,
    ...(planned.schedule ? { schedule: planned.schedule } : {}),
    ...(d.kind === 'speed_limit' ? { speed_mps: speed } : {}),
    ...(margin > 0 ? { margin_m: margin } : {}),
    ...(d.group.trim() && d.kind === 'keep_in' ? { group: d.group.trim() } : {}),
  };
  return { input, faults };
}

const FIELDS: Readonly<Record<string, Field>> = {
  name: 'name', kind: 'kind', geometry: 'shape', radius_m: 'shape', width_m: 'shape', floor: 'floor', ceiling: 'ceiling',
  response: 'response', speed_mps: 'speed', margin_m: 'margin', edges: 'edges', group: 'group', schedule: 'schedule',
};

/** The field that a location of the server's answer means: body.fence.floor.m is the floor. */
export function fieldAt(location: string | undefined): Field | null {
  const path = (location ?? '').replace(/^body\.?/, '').replace(/^fence\.?/, '');
  if (path.startsWith('applies')) return path.startsWith('applies.classes') || path === 'applies' ? 'classes' : 'who';
  return FIELDS[path.split(/[.[]/)[0] ?? ''] ?? null;
}

/** The vertex that a location names: geometry.coordinates[ring][vertex]. */
export function placeAt(location: string | undefined): number[] {
  return [...(location ?? '').matchAll(/\[(\d+)\]/g)].map((m) => Number(m[1]));
}
