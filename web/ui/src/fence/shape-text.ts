// Shapes as the text that people write and read.

import { formatCoordinates, formatVertex, parseCoordinates, parseVertex, type CoordinateFormat, type LineFault } from './coordinates';
import type { LonLat, Rings, Shape } from './shape';

export type ShapeForm = 'polygon' | 'circle' | 'corridor';

/** What the shape is as text, in the form that the parser reads. */
export function textOf(s: Shape | null, f: CoordinateFormat): string {
  if (!s) return '';
  if (s.kind === 'circle') return formatVertex(s.center, f);
  return formatCoordinates(s.kind === 'corridor' ? [[s.line]] : s.polygons, f);
}

/** Vertices as somebody wrote them; of a circle the centre. */
export function readVertices(text: string, form: ShapeForm): { polygons: readonly Rings[]; faults: readonly LineFault[] } {
  const single = form === 'circle' ? parseVertex(text.trim()) : null;
  return single && typeof single !== 'string' ? { polygons: [[[single]]], faults: [] } : parseCoordinates(text);
}

/** The shape that text and measure say; null if there is none yet. */
export function shapeFrom(form: ShapeForm, polygons: readonly Rings[], measure: number, wgs: (v: LonLat) => LonLat = (v) => v): Shape | null {
  const first = polygons[0]?.[0];
  if (!first || first.length === 0) return null;
  const converted = polygons.map((rings) => rings.map((r) => r.map(wgs)));
  if (form === 'circle') return { kind: 'circle', center: converted[0]![0]![0]!, radiusM: measure };
  if (form === 'corridor') return { kind: 'corridor', line: converted[0]![0]!, widthM: measure };
  return { kind: 'polygons', polygons: converted };
}
