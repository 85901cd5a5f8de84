// Where the sites are: their areas beside each other, the chosen one marked.

import type { Site } from '../api/sites';
import { t } from '../i18n/later';

type XY = readonly [number, number];
interface Drawn { site: Site; rings: XY[][]; line: boolean }

/** Metres of a degree of latitude. */
const DEGREE_M = 111_320;

/** The outline of a site in degrees. */
export function outlineOf(s: Site): { rings: XY[][]; line: boolean } {
  const g = s.geometry as unknown as { type: string; coordinates: unknown };
  switch (g.type) {
    case 'Polygon': return { rings: [(g.coordinates as XY[][])[0]!], line: false };
    case 'MultiPolygon': return { rings: (g.coordinates as XY[][][]).map((p) => p[0]!), line: false };
    case 'LineString': return { rings: [g.coordinates as XY[]], line: true };
    default: {
      const [lon, lat] = g.coordinates as XY;
      const r = (s.radius_m ?? 10) / DEGREE_M;
      const k = Math.cos((lat * Math.PI) / 180);
      return { rings: [Array.from({ length: 24 }, (_, i): XY => [lon + (r * Math.cos((i * Math.PI) / 12)) / k, lat + r * Math.sin((i * Math.PI) / 12)])], line: false };
    }
  }
}

export function SitePlan({ sites, chosen, choose }: { sites: readonly Site[]; chosen: string; choose: (id: string) => void }) {
  const drawn: Drawn[] = sites.filter((s) => s.space).map((site) => ({ site, ...outlineOf(site) }));
  const points = drawn.flatMap((d) => d.rings.flat());
  if (points.length === 0) return null;
  const [west, east] = [Math.min(...points.map((p) => p[0])), Math.max(...points.map((p) => p[0]))];
  const [south, north] = [Math.min(...points.map((p) => p[1])), Math.max(...points.map((p) => p[1]))];
  const k = Math.cos((north * Math.PI) / 180);
  const scale = Math.min(600 / Math.max((east - west) * k, 1e-6), 240 / Math.max(north - south, 1e-6));
  const path = (ring: readonly XY[]) => ring.map(([lon, lat]) => `${(10 + (lon - west) * k * scale).toFixed(1)},${(10 + (north - lat) * scale).toFixed(1)}`).join(' ');
  return (
    <svg class="site-plan" viewBox={`0 0 ${20 + (east - west) * k * scale} ${20 + (north - south) * scale}`} role="img" aria-label={t('site.plan')} data-testid="site-plan">
      {drawn.map((d) => d.rings.map((ring, i) => {
        const props = { key: `${d.site.id}${i}`, points: path(ring), class: `${d.line ? 'is-line' : 'is-area'}${d.site.id === chosen ? ' is-chosen' : ''}`, onClick: () => choose(d.site.id) };
        return d.line ? <polyline {...props} /> : <polygon {...props} />;
      }))}
    </svg>
  );
}
