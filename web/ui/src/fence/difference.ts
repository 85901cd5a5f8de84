// What differs between two definitions of a fence, field by field.

import type { Fence, FenceInput } from '../api/types';
import { vertices } from './measure';
import { shapeOf, type Shape } from './shape';

export type Definition = Fence | FenceInput;
export const COMPARED = [
  'name', 'kind', 'shape', 'floor', 'ceiling', 'response', 'classes', 'operators', 'vehicles', 'exempt_operators', 'exempt_vehicles', 'permits', 'exempt_permits',
  'schedule', 'speed_mps', 'margin_m', 'edges', 'group',
] as const;
export type Compared = (typeof COMPARED)[number];
export interface Difference { readonly field: Compared; readonly before: unknown; readonly after: unknown }

/** A field in one form: what is absent is its default. */
export function valueOf(f: Definition, field: Compared): unknown {
  switch (field) {
    case 'shape': return shapeOf(f);
    case 'classes': case 'operators': case 'vehicles': case 'exempt_operators': case 'exempt_vehicles':
    case 'permits': case 'exempt_permits':
      return [...(f.applies?.[field] ?? [])].sort();
    case 'floor': case 'ceiling': return f[field] ?? null;
    case 'schedule': return planned(f);
    case 'speed_mps': return f.speed_mps ?? null;
    case 'margin_m': return f.margin_m ?? 0;
    case 'edges': return f.edges ?? 'lonlat';
    case 'group': return f.group ?? '';
    case 'response': return f.response ?? 'warn';
    default: return f[field];
  }
}

function planned(f: Definition): unknown {
  const s = f.schedule;
  if (!s || ((s.windows ?? []).length === 0 && (s.weekly ?? []).length === 0)) return null;
  const instant = (t: string) => Date.parse(t);
  return {
    windows: (s.windows ?? []).map((w) => ({ from: instant(w.from), to: instant(w.to) })),
    weekly: (s.weekly ?? []).map((w) => ({ days: w.days, from: w.from, to: w.to })),
    holidays: s.holidays ?? 'as_days',
  };
}

const text = (v: unknown) => JSON.stringify(v);

export function differences(before: Definition, after: Definition): Difference[] {
  const out: Difference[] = [];
  for (const field of COMPARED) {
    const [a, b] = [valueOf(before, field), valueOf(after, field)];
    if (text(a) !== text(b)) out.push({ field, before: a, after: b });
  }
  return out;
}

/** Vertices that only one of two shapes has. */
export function movedVertices(a: Shape | null, b: Shape | null): { gone: number; come: number } {
  const of = (s: Shape | null) => new Set(s ? vertices(s).map(String) : []);
  const [x, y] = [of(a), of(b)];
  return { gone: [...x].filter((v) => !y.has(v)).length, come: [...y].filter((v) => !x.has(v)).length };
}
