// The members of a fence in words, for lists, forms and differences.

import type { Height } from '../api/types';
import type { FieldFault } from '../fence/draft';
import { placeAt } from '../fence/draft';
import type { Compared, Definition } from '../fence/difference';
import { valueOf } from '../fence/difference';
import type { Schedule } from '../fence/schedule';
import { areaM2, vertices } from '../fence/measure';
import type { Shape } from '../fence/shape';
import type { Fault } from '../fence/validity';
import { code, formatNumber, plural, t } from '../i18n/later';
import { parseTime, zoneClock } from '../state/clock';

const height = (h: Height | null | undefined, none: string): string => (h ? `${h.m} m ${code('fence.datum', h.datum)}` : none);

/** The datum is said once if both limits have the same. */
export function bandText(f: Definition): string {
  const { floor, ceiling } = f;
  if (!floor && !ceiling) return t('fence.allHeights');
  if (floor && ceiling && floor.datum === ceiling.datum) return `${floor.m} … ${ceiling.m} m ${code('fence.datum', floor.datum)}`;
  return `${height(floor, t('fence.ground'))} … ${height(ceiling, t('fence.unlimited'))}`;
}

const classesText = (list: readonly string[] | null | undefined): string =>
  list && list.length > 0 ? list.map((c) => code('class', c)).join(', ') : t('fence.allClasses');

export const appliesText = (f: Definition): string => classesText(f.applies?.classes);

export function areaText(m2: number): string {
  return m2 >= 100_000 ? `${formatNumber(m2 / 1e6, 2)} km²` : `${formatNumber(m2)} m²`;
}

export function shapeText(s: Shape | null): string {
  if (!s) return t('none');
  const area = areaText(areaM2(s));
  if (s.kind === 'circle') return t('shape.circle', { radius: formatNumber(s.radiusM, s.radiusM % 1 === 0 ? 0 : 1), area });
  if (s.kind === 'corridor') return t('shape.corridor', { corners: plural('corners', s.line.length), width: formatNumber(s.widthM), area });
  const holes = s.polygons.reduce((n, rings) => n + rings.length - 1, 0);
  const text = t('shape.polygon', { corners: plural('corners', vertices(s).length), area });
  return [text, ...(s.polygons.length > 1 ? [plural('parts', s.polygons.length)] : []), ...(holes > 0 ? [plural('holes', holes)] : [])].join(' · ');
}

export function scheduleText(s: Schedule | null | undefined): string {
  const windows = (s?.windows ?? []).map((w) => `${zoneClock(parseTime(w.from), true)} – ${zoneClock(parseTime(w.to), true)}`);
  const weekly = (s?.weekly ?? []).map((w) => `${w.days.map((d) => t(`day.${d}`)).join(' ')} ${edge(w.from)}–${edge(w.to)}`);
  const all = [...windows, ...weekly];
  if (all.length === 0) return t('schedule.always');
  const holidays = s?.holidays && s.holidays !== 'as_days' ? [t(`holidays.${s.holidays}`)] : [];
  return [...all, ...holidays].join('; ');
}

const edge = (text: string) => text.replace(/^sunrise/, t('edge.sunrise')).replace(/^sunset/, t('edge.sunset'));

/** One member of a fence, as the difference shows it. */
export function memberText(f: Definition, field: Compared): string {
  const v = valueOf(f, field);
  switch (field) {
    case 'kind': return code('fence', String(v));
    case 'shape': return shapeText(v as Shape | null);
    case 'floor': return height(f.floor, t('fence.ground'));
    case 'ceiling': return height(f.ceiling, t('fence.unlimited'));
    case 'response': return code('response', String(v));
    case 'classes': return classesText(v as string[]);
    case 'schedule': return scheduleText(f.schedule);
    case 'edges': return code('edges', String(v));
    case 'speed_mps': return v === null ? t('none') : `${String(v)} m/s`;
    case 'margin_m': return `${String(v)} m`;
    default: return (Array.isArray(v) ? v.join(', ') : String(v ?? '')) || t('none');
  }
}

/** Edges and vertices are counted from 1, as people count. */
export function faultText(f: Fault): string {
  const n = (v: number | undefined) => (v ?? 0) + 1;
  const part = (f.polygon ?? 0) > 0 ? ` (${t('fault.inPart', { n: n(f.polygon) })})` : '';
  const where = part + ((f.ring ?? 0) > 0 ? ` (${t('fault.inHole', { n: f.ring! })})` : '');
  switch (f.code) {
    case 'crossing':
      return f.ringB === undefined
        ? t('fault.crossing', { a: n(f.edgeA), b: n(f.edgeB) }) + where
        : t('fault.crossing', { a: n(f.edgeA), b: n(f.edgeB) }) + part + ` (${t('fault.holeAgainst', { n: f.ring! })})`;
    case 'spike': case 'range': case 'pole': return t(`fault.${f.code}`, { n: n(f.vertex) }) + where;
    default: return t(`fault.${f.code}`) + where;
  }
}

/** What is wrong at a field, in the user's words or the server's. */
export function fieldFaultText(f: FieldFault): string {
  if (f.schedule) {
    const { list, index, code: c } = f.schedule;
    return list === 'schedule' ? t(`schedule.fault.${c}`) : `${t(list === 'windows' ? 'schedule.window' : 'schedule.week')} ${index + 1}: ${t(`schedule.fault.${c}`)}`;
  }
  if (f.code) return t(`draft.fault.${f.code}`);
  const at = placeAt(f.at);
  return f.field === 'shape' && at.length > 1 ? t('fault.atVertex', { n: at[at.length - 1]! + 1, text: f.text ?? '' }) : (f.text ?? '');
}
