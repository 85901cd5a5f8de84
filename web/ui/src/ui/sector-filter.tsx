// The choice between all alerts and those of the sectors that this person is on duty for.

import { useEffect } from 'preact/hooks';
import { zoneApi } from '../api/zone';
import { needTexts } from '../i18n';
import { plural, t } from '../i18n/later';
import { sectorsShown, shownAlerts } from '../state/alert-sectors';
import { alerts } from '../state/ops';
import { actor } from '../state/session';
import { useLive } from './use-live';

export function SectorFilter() {
  const { value: board } = useLive(zoneApi.duty, 'duty');
  const me = actor.value?.person || actor.value?.id;
  const own = board?.items?.find((d) => d.person === me && d.present)?.sectors ?? [];
  const key = own.join(',');
  // Who goes off duty, or to other sectors, does not go on looking at the former ones.
  useEffect(() => {
    if (sectorsShown.peek() !== null) sectorsShown.value = key ? key.split(',') : null;
  }, [key]);
  useEffect(() => () => void (sectorsShown.value = null), []);
  if (!own.length) return null;
  const mine = sectorsShown.value !== null;
  const hidden = alerts.value.length - shownAlerts.value.length;
  const names = own.map((id) => board!.sectors?.find((s) => s.id === id)?.name ?? id).join(', ');
  return (
    <>
      <div class="segmented" role="group" aria-label={t('sector.which')}>
        <button type="button" aria-pressed={!mine} data-testid="alerts-all" onClick={() => (sectorsShown.value = null)}>{t('sector.all')}</button>
        <button type="button" aria-pressed={mine} title={names} data-testid="alerts-mine" onClick={() => (sectorsShown.value = own)}>{t('sector.mine')}</button>
      </div>
      {mine && <span class="muted small" role="status" data-testid="alerts-hidden">{plural('sector.hidden', hidden)}</span>}
    </>
  );
}

/** The choice, when its texts are there. */
export const ready = needTexts('vehicles').then(() => SectorFilter);
