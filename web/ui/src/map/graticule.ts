// The graticule as GeoJSON; it comes after the first view.

import type { Feature, FeatureCollection, LineString, Point } from 'geojson';

// Steps in seconds of arc that divide degrees and minutes evenly.
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000];

/** The graticule step, in seconds of arc, for a view that is so many degrees wide. */
export const graticuleStep = (spanDeg: number): number =>
  STEPS.find((s) => (spanDeg * 3600) / s <= 7) ?? STEPS[STEPS.length - 1]!;

export function dms(seconds: number, positive: string, negative: string): string {
  const v = Math.abs(Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const d = Math.floor(v / 3600);
  const m = Math.floor((v % 3600) / 60);
  return `${d}°${two(m)}′${v % 60 ? `${two(v % 60)}″` : ''}${seconds < 0 ? negative : positive}`;
}

export function graticule(w: number, s: number, e: number, n: number): FeatureCollection<LineString | Point> {
  const step = graticuleStep(Math.max(e - w, (n - s) * 1.4));
  const features: Feature<LineString | Point>[] = [];
  const first = (v: number) => Math.ceil((v * 3600) / step) * step;
  const add = (line: [number, number][], label: string, at: [number, number], anchor: string) => {
    features.push({ type: 'Feature', geometry: { type: 'LineString', coordinates: line }, properties: {} });
    features.push({ type: 'Feature', geometry: { type: 'Point', coordinates: at }, properties: { label, anchor } });
  };
  for (let v = first(w); v <= e * 3600; v += step) {
    const lon = v / 3600;
    add([[lon, s], [lon, n]], dms(v, 'E', 'W'), [lon, n], 'top');
  }
  for (let v = first(s); v <= n * 3600; v += step) {
    const lat = v / 3600;
    add([[w, lat], [e, lat]], dms(v, 'N', 'S'), [e, lat], 'right');
  }
  return { type: 'FeatureCollection', features };
}
