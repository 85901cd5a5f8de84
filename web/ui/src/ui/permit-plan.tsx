// The volumes of the form to scale, over the keep-outs near them. A volume against which a
// rule speaks, and the fence that it meets, are marked; the words stand beside the volume.

import { outline, shapeOf, type Geometry, type Shape } from '../fence/shape';
import { t } from '../i18n/later';
import { fences } from '../state/ops';
import { form, placed } from './permit-draft';

type XY = readonly number[];

/** The outer rings of a shape. */
function ringsOf(s: Shape | null): readonly (readonly XY[])[] {
  const g = s && outline(s);
  return !g ? [] : g.type === 'Polygon' ? [g.coordinates[0]!] : g.coordinates.map((p) => p[0]!);
}

export function PermitPlan() {
  const volumes = (form.value?.volumes ?? []).map((v) => ringsOf(v.shape));
  const own = volumes.flat(2);
  if (own.length === 0) return null;
  const faulty = placed.value.filter((f) => f.item.startsWith('volumes/'));
  const [xs, ys] = [own.map((p) => p[0]!), own.map((p) => p[1]!)];
  const pad = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys), 1e-4) * 0.5;
  const [west, east, south, north] = [Math.min(...xs) - pad, Math.max(...xs) + pad, Math.min(...ys) - pad, Math.max(...ys) + pad];
  const k = Math.cos((north * Math.PI) / 180);
  const scale = Math.min(600 / ((east - west) * k), 260 / (north - south));
  const path = (ring: readonly XY[]) => ring.map((p) => `${((p[0]! - west) * k * scale).toFixed(1)},${((north - p[1]!) * scale).toFixed(1)}`).join(' ');
  const near = fences.value.filter((f) => f.kind === 'keep_out').map((f) => ({ id: f.id, name: f.name, rings: ringsOf(shapeOf(f as unknown as Geometry)) }))
    .filter((f) => f.rings.flat().some((p) => p[0]! > west && p[0]! < east && p[1]! > south && p[1]! < north) || faulty.some((x) => x.message.includes(f.id)));
  const met = near.filter((f) => faulty.some((x) => x.message.includes(f.id)));
  return (
    <svg class="site-plan" viewBox={`0 0 ${((east - west) * k * scale).toFixed(0)} ${((north - south) * scale).toFixed(0)}`} role="img" data-testid="perm-plan"
      aria-label={t('perm.plan', { n: volumes.length, met: met.map((f) => f.name).join(', ') || t('none') })}>
      {near.map((f) => f.rings.map((r, i) => <polygon key={f.id + i} points={path(r)} class={`is-area of-fence${met.includes(f) ? ' is-met' : ''}`} />))}
      {volumes.map((rings, n) => rings.map((r, i) => {
        const bad = faulty.some((f) => f.item === `volumes/${n}` || f.item.startsWith(`volumes/${n}/`));
        return <polygon key={`${n}/${i}`} points={path(r)} class={`of-own${bad ? ' is-bad' : ''}`} />;
      }))}
    </svg>
  );
}
