// The emergency fence: F (or the map's menu), a place, one confirmation. It is in
// force at once for all heights and ends by itself.

import { batch, effect, signal } from '@preact/signals';
import { ApiError } from '../api/client';
import { fences } from '../api/fences';
import type { FencePreview } from '../api/types';
import { t } from '../i18n/later';
import { announce } from './announce';
import { begun, endEmergency, place } from './modes';
import { failed, takeFence } from './ops';
import { fenceOpen, tab } from './view';

export const PRESET = { radius: '200', minutes: '60' } as const;

export const radius = signal<string>(PRESET.radius);
export const minutes = signal<string>(PRESET.minutes);
export const label = signal('');
export const inside = signal<FencePreview | null>(null);
export const busy = signal(false);
export const failure = signal<string | null>(null);

export const radiusM = (): number => {
  const v = Number(radius.value);
  return v >= 1 && v <= 200_000 ? v : NaN;
};
export const minutesOf = (): number => {
  const v = Number(minutes.value);
  return Number.isInteger(v) && v >= 1 && v <= 1440 ? v : NaN;
};

// Each one begins with the same terms.
effect(() => {
  void begun.value;
  batch(() => {
    radius.value = PRESET.radius;
    minutes.value = PRESET.minutes;
    label.value = '';
    failure.value = null;
    inside.value = null;
  });
});

/** Who would stand in it: shown beside the button, never waited for. */
export async function lookInside(): Promise<void> {
  const at = place.peek();
  const r = radiusM();
  if (!at || Number.isNaN(r)) return;
  const asked = `${at}/${r}`;
  try {
    const answer = await fences.preview({
      name: t('emergency.name'), kind: 'keep_out', geometry: { type: 'Point', coordinates: [...at] }, radius_m: r,
      floor: null, ceiling: null, applies: { classes: [] }, response: 'warn', edges: 'lonlat',
    });
    if (`${place.peek()}/${radiusM()}` === asked) inside.value = answer;
  } catch (err) {
    failed(err);
  }
}

export async function setEmergency(): Promise<void> {
  const at = place.peek();
  if (!at || busy.peek() || Number.isNaN(radiusM()) || Number.isNaN(minutesOf())) return;
  busy.value = true;
  failure.value = null;
  try {
    const name = label.peek().trim();
    const f = await fences.emergency({ center: [at[0], at[1]], radius_m: radiusM(), minutes: minutesOf(), ...(name ? { name } : {}) });
    takeFence(f);
    endEmergency();
    batch(() => {
      fenceOpen.value = f.id;
      tab.value = 'fences';
    });
    announce(t('emergency.done', { name: f.name }), true);
  } catch (err) {
    failed(err);
    failure.value = err instanceof ApiError && err.status === 0 ? t('signin.network') : err instanceof Error ? err.message : String(err);
  } finally {
    busy.value = false;
  }
}
