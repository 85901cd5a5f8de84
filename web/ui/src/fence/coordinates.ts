// Coordinates as people write them, one vertex a line: decimal degrees, or degrees,
// minutes and seconds with hemisphere letters, in Latin or Chinese writing. Without
// letters latitude comes first. A line "hole" or "polygon" starts a further ring.

import { lattice, openRing, shapeOf, type FenceGeometry, type LonLat, type Ring, type Rings } from './shape';

export type CoordinateFormat = 'decimal' | 'dms';
export type LineCode = 'pair' | 'number' | 'minutes' | 'range' | 'hole_first' | 'json';
export interface LineFault { readonly line: number; readonly code: LineCode; readonly text: string }
export interface Parsed { readonly polygons: readonly Rings[]; readonly faults: readonly LineFault[] }

const PLAIN: readonly [RegExp, string][] = [
  [/北纬|北緯/g, 'N'], [/南纬|南緯/g, 'S'], [/东经|東經/g, 'E'], [/西经|西經/g, 'W'],
  [/北/g, 'N'], [/南/g, 'S'], [/[东東]/g, 'E'], [/西/g, 'W'],
  [/[度º˚]/g, '°'], [/[分′’‘`´]/g, "'"], [/[秒″”“]/g, '"'], [/''/g, '"'],
  [/[，、；;\t]/g, ','], [/[－−–]/g, '-'], [/[．]/g, '.'], [/：/g, ':'], [/\u3000/g, ' '],
];

function plain(line: string): string {
  let s = line.replace(/[０-９]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0));
  for (const [from, to] of PLAIN) s = s.replace(from, to);
  return s.toUpperCase().trim();
}

const NUMBER = /[+-]?\d+(?:\.\d+)?/g;

/** Degrees of one coordinate: numbers with their marks, no letter. */
function angle(text: string, compact: boolean): number | LineCode {
  if (/[^\d.+\-°'":\s]/.test(text)) return 'number';
  const numbers = text.match(NUMBER) ?? [];
  if (numbers.length < 1 || numbers.length > 3) return 'pair';
  const negative = numbers[0]!.startsWith('-');
  let parts = numbers.map((n) => Math.abs(Number(n)));
  if (numbers.slice(1).some((n) => /^[+-]/.test(n))) return 'number';
  if (numbers.slice(0, -1).some((n) => n.includes('.'))) return 'number';
  // As in aeronautical publications: ddmmss, dddmmss, with a letter only.
  if (compact && parts.length === 1 && /^\d{6,7}(\.\d+)?$/.test(numbers[0]!)) {
    const v = parts[0]!;
    parts = [Math.floor(v / 10_000), Math.floor((v % 10_000) / 100), v % 100];
  }
  const [d, m = 0, s = 0] = parts;
  if (m >= 60 || s >= 60) return 'minutes';
  const v = d! + m / 60 + s / 3600;
  return negative ? -v : v;
}

const LETTERED = /([NSEW])([^NSEW]*)/g;

/** The two halves of a line with their letters, in the order written. */
function halves(s: string): [string, string][] | null {
  const letters = s.match(/[NSEW]/g) ?? [];
  if (letters.length === 0) {
    const parts = s.split(',').map((p) => p.trim()).filter(Boolean);
    if (parts.length === 2) return parts.map((p) => ['', p]);
    if (parts.length !== 1) return null;
    const words = s.split(/\s+/);
    if (words.length % 2 !== 0 || words.length > 6) return null;
    const half = words.length / 2;
    return [['', words.slice(0, half).join(' ')], ['', words.slice(half).join(' ')]];
  }
  if (letters.length !== 2) return null;
  const bare = s.replace(/,/g, ' ').trim();
  if (/^[NSEW]/.test(bare)) return [...bare.matchAll(LETTERED)].map((m) => [m[1]!, m[2]!.trim()]);
  const m = /^([^NSEW]*)([NSEW])([^NSEW]*)([NSEW])$/.exec(bare);
  return m ? [[m[2]!, m[1]!.trim()], [m[4]!, m[3]!.trim()]] : null;
}

export function parseVertex(line: string): LonLat | LineCode {
  const found = halves(plain(line));
  if (!found || found.length !== 2) return 'pair';
  const values: number[] = [];
  for (const [letter, text] of found) {
    const v = angle(text, letter !== '');
    if (typeof v === 'string') return v;
    if (letter !== '' && v < 0) return 'number';
    values.push(letter === 'S' || letter === 'W' ? -v : v);
  }
  const axis = found.map(([letter]) => (letter === '' ? '' : letter === 'N' || letter === 'S' ? 'lat' : 'lon'));
  if (axis[0] !== '' && axis[0] === axis[1]) return 'pair';
  const lonFirst = axis[0] === 'lon';
  const [lat, lon] = lonFirst ? [values[1]!, values[0]!] : [values[0]!, values[1]!];
  if (Math.abs(lat) > 90 || Math.abs(lon) > 180) return 'range';
  return [lattice(lon), lattice(lat)];
}

function parseJson(text: string): Parsed | null {
  try {
    let v = JSON.parse(text) as { type?: string; geometry?: unknown; features?: { geometry: unknown }[] };
    if (v.type === 'FeatureCollection') v = v.features![0]! as typeof v;
    const g = (v.type === 'Feature' ? v.geometry : v) as FenceGeometry;
    if (g.type === 'LineString') return { polygons: [[openRing(g.coordinates)]], faults: [] };
    if (g.type === 'Point') return { polygons: [[openRing([g.coordinates])]], faults: [] };
    const s = shapeOf({ geometry: g });
    const polygons = s?.kind === 'polygons' ? s.polygons : [];
    const good = polygons.length > 0 && polygons.flat(2).every((p) => Number.isFinite(p[0]) && Number.isFinite(p[1]));
    return good ? { polygons, faults: [] } : null;
  } catch {
    return null;
  }
}

export function parseCoordinates(text: string): Parsed {
  if (/^\s*\{/.test(text)) return parseJson(text) ?? { polygons: [], faults: [{ line: 1, code: 'json', text: '' }] };
  const polygons: LonLat[][][] = [];
  const faults: LineFault[] = [];
  let ring: LonLat[] | null = null;
  text.split(/\r?\n/).forEach((raw, i) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    if (/^(hole|孔|孔洞|洞)[:：]?$/i.test(line)) {
      if (polygons.length === 0) faults.push({ line: i + 1, code: 'hole_first', text: line });
      else polygons[polygons.length - 1]!.push((ring = []));
      return;
    }
    if (/^(polygon|多边形)[:：]?$/i.test(line)) {
      ring = null;
      return;
    }
    const v = parseVertex(line);
    if (typeof v === 'string') {
      faults.push({ line: i + 1, code: v, text: line.slice(0, 60) });
      return;
    }
    if (!ring) polygons.push([(ring = [])]);
    ring.push(v);
  });
  const rings = polygons.map((p) => p.filter((r) => r.length > 0).map((r): Ring => openRing(r.map((v) => [...v]))));
  return { polygons: rings, faults };
}

function dms(v: number, letters: string): string {
  // Ten-thousandths of a second: finer than the lattice, so that nothing is lost.
  const total = Math.round(Math.abs(v) * 36_000_000);
  const two = (n: number) => String(n).padStart(2, '0');
  const s = (total % 600_000) / 10_000;
  return `${Math.floor(total / 36_000_000)}°${two(Math.floor(total / 600_000) % 60)}′${s.toFixed(4).padStart(7, '0')}″${v < 0 ? letters[1] : letters[0]}`;
}

export const formatVertex = ([lon, lat]: LonLat, f: CoordinateFormat): string =>
  f === 'decimal' ? `${lat.toFixed(7)}, ${lon.toFixed(7)}` : `${dms(lat, 'NS')} ${dms(lon, 'EW')}`;

export function formatCoordinates(polygons: readonly Rings[], f: CoordinateFormat): string {
  const ring = (r: Ring) => r.map((v) => formatVertex(v, f)).join('\n');
  return polygons.map((rings) => rings.map(ring).join('\nhole\n')).join('\npolygon\n');
}
