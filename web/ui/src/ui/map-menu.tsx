// The menu of a place on the map (right button).

import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/later';
import { may, openPage } from '../state/accounts';
import { mayWrite, startEmergency } from '../state/modes';
import { fences } from '../state/ops';
import { deskOpen, fenceOpen, listsOpen, mapMenu, tab } from '../state/view';
import { arrowKeys } from './bits';

export function MapMenu() {
  const m = mapMenu.value;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.querySelector('button')?.focus(), [m]);
  if (!m) return null;
  const fence = fences.value.find((f) => f.id === m.fence);
  const act = (work: () => void) => () => {
    mapMenu.value = null;
    work();
  };
  const style = { left: `${m.x}px`, top: `${m.y}px` };
  return (
    <div class="panel map-menu" role="menu" aria-label={t('menu.label')} ref={box} style={style} data-testid="map-menu" onKeyDown={(e) => arrowKeys(e, 'button')}>
      {mayWrite.value && (
        <>
          <button type="button" role="menuitem" onClick={act(() => startEmergency(m.at))}>{t('menu.emergency')}</button>
          <button type="button" role="menuitem" onClick={act(() => void import('../state/fence-editor').then((m) => m.newFence()))}>{t('fences.new')}</button>
        </>
      )}
      {may('zone.control') && (
        <button type="button" role="menuitem" onClick={act(() => void import('../state/priority').then((p) => {
          p.placeAt.value = m.at;
          openPage('priority');
          deskOpen.value = true;
        }))}>{t('menu.priority')}</button>
      )}
      {fence && (
        <button type="button" role="menuitem" onClick={act(() => {
          fenceOpen.value = fence.id;
          tab.value = 'fences';
          listsOpen.value = true;
        })}>{t('menu.fence', { name: fence.name })}</button>
      )}
      <button type="button" role="menuitem" onClick={act(() => void navigator.clipboard?.writeText(`${m.at[1].toFixed(7)}, ${m.at[0].toFixed(7)}`))}>
        {t('menu.copy', { place: `${m.at[1].toFixed(6)}, ${m.at[0].toFixed(6)}` })}
      </button>
    </div>
  );
}
