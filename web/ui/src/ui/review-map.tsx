// The area of an application and what it meets, drawn to scale, and as a list.

import type { Assessment } from '../api/reviews';
import type { Site } from '../api/sites';
import { t } from '../i18n/later';
import { outlineOf } from './site-plan';

type XY = readonly [number, number];

const outline = (o: unknown) => outlineOf(o as Site);

export function ReviewMap({ of: a }: { of: Assessment }) {
  const near = a.near ?? [];
  const drawn = [
    ...near.map((n) => ({ key: n.kind + n.id, kind: n.kind as string, ...outline(n) })),
    ...(a.permit.application.volumes ?? []).map((v, i) => ({ key: `own${i}`, kind: 'own', ...outline(v) })),
  ];
  // The view is that of the application: what it meets may be as large as the zone.
  const own = drawn.filter((d) => d.kind === 'own').flatMap((d) => d.rings.flat());
  const [xs, ys] = [own.map((p) => p[0]), own.map((p) => p[1])];
  const pad = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys), 1e-4) * 0.4;
  const [west, north] = [Math.min(...xs) - pad, Math.max(...ys) + pad];
  const k = Math.cos((north * Math.PI) / 180);
  const [width, height] = [(Math.max(...xs) + pad - west) * k, north - Math.min(...ys) + pad];
  const scale = Math.min(600 / width, 300 / height);
  const path = (ring: readonly XY[]) => ring.map(([lon, lat]) => `${((lon - west) * k * scale).toFixed(1)},${((north - lat) * scale).toFixed(1)}`).join(' ');
  return (
    <section class="desk-section wide">
      {own.length > 0 && (
        <svg class="site-plan" viewBox={`0 0 ${(width * scale).toFixed(0)} ${(height * scale).toFixed(0)}`} role="img" aria-label={t('rev.map')} data-testid="rev-map">
          {drawn.map((d) => d.rings.map((ring, i) => {
            const props = { key: d.key + i, points: path(ring), class: `${d.line ? 'is-line' : 'is-area'} of-${d.kind}` };
            return d.line ? <polyline {...props} /> : <polygon {...props} />;
          }))}
        </svg>
      )}
      <h3>{t('rev.near')}</h3>
      {near.length === 0 ? <p class="muted">{t('rev.near.none')}</p> : (
        <ul data-testid="rev-near">{near.map((n) => <li key={n.kind + n.id}><span class={`tag near-${n.kind}`}>{t(`rev.near.${n.kind}`)}</span> {n.name || n.id}</li>)}</ul>
      )}
    </section>
  );
}
