// Left panel: vehicles, fences, crossings.

import { t, code } from '../i18n';
import type { Fence, Height } from '../api/types';
import { fenceBox } from '../map/geometry';
import { liveMap } from '../map/current';
import { breachedFences, events, fences } from '../state/ops';
import { fenceOpen, select, tab, type Tab } from '../state/view';
import { Time, Unverified, arrowKeys } from './bits';
import { VehicleTable } from './vehicle-table';

const height = (h: Height | null, none: string): string =>
  h === null ? none : `${h.m} m ${code('fence.datum', h.datum)}`;

export const bandText = (f: Fence): string =>
  `${height(f.floor, t('fence.ground'))} … ${height(f.ceiling, t('fence.unlimited'))}`;

export const appliesText = (f: Fence): string =>
  f.applies.classes && f.applies.classes.length > 0
    ? f.applies.classes.map((c) => code('class', c)).join(', ')
    : t('fence.allClasses');

function openFence(f: Fence): void {
  fenceOpen.value = f.id;
  const box = fenceBox(f);
  if (box) liveMap()?.view.fit(box);
}

function FenceTable() {
  if (fences.value.length === 0) return <p class="empty">{t('fences.none')}</p>;
  return (
    <div class="scroll" onKeyDown={(e) => arrowKeys(e, 'tbody tr')}>
      <table class="table" role="grid" aria-label={t('fences.table')}>
        <thead>
          <tr>
            <th scope="col">{t('fences.col.name')}</th>
            <th scope="col">{t('fences.col.kind')}</th>
            <th scope="col">{t('fences.col.band')}</th>
            <th scope="col">{t('fences.col.applies')}</th>
          </tr>
        </thead>
        <tbody>
          {fences.value.map((f) => (
            <tr key={f.id} tabIndex={0} aria-selected={fenceOpen.value === f.id} onClick={() => openFence(f)}
              onKeyDown={(e) => e.key === 'Enter' && openFence(f)}>
              <td class="wrap">
                <span class={`swatch swatch-${f.kind}`} aria-hidden="true" />{f.name}
                {breachedFences.value.has(f.id) && <span class="tag tag-danger">{t('fence.breached')}</span>}
              </td>
              <td>{code('fence', f.kind)}</td>
              <td class="wrap">{bandText(f)}</td>
              <td class="wrap">{appliesText(f)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function EventTable() {
  if (events.value.length === 0) return <p class="empty">{t('events.none')}</p>;
  return (
    <div class="scroll" onKeyDown={(e) => arrowKeys(e, 'tbody tr')}>
      <table class="table" role="grid" aria-label={t('events.table')}>
        <tbody>
          {events.value.map((e) => (
            <tr key={`${e.cseq}-${e.at}`} tabIndex={0} aria-selected={false} onClick={() => select(e.vehicle.id)}
              onKeyDown={(k) => k.key === 'Enter' && select(e.vehicle.id)}>
              <td><Time at={e.at} /></td>
              <td class="wrap">{e.vehicle.name || e.vehicle.id} {!e.vehicle.verified && <Unverified />}</td>
              <td>{code('transition', e.kind)}</td>
              <td class="wrap">
                {e.fence?.name}
                {(e.flags ?? []).map((f) => <span key={f} class="sub muted">{code('flag', f)}</span>)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const tabs: Tab[] = ['vehicles', 'fences', 'events'];

export function Lists() {
  const onKeyDown = (e: KeyboardEvent) => {
    const step = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    tab.value = tabs[(tabs.indexOf(tab.value) + step + tabs.length) % tabs.length]!;
    document.getElementById(`tab-${tab.value}`)?.focus();
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={t('tabs.label')} onKeyDown={onKeyDown}>
        {tabs.map((k) => (
          <button key={k} id={`tab-${k}`} type="button" role="tab" aria-selected={tab.value === k} aria-controls="tabpanel"
            tabIndex={tab.value === k ? 0 : -1} onClick={() => (tab.value = k)}>
            {t(`tab.${k}`)}{k === 'fences' && fences.value.length > 0 && <span class="muted"> {fences.value.length}</span>}
          </button>
        ))}
      </div>
      <div class="tabpanel" id="tabpanel" role="tabpanel" aria-labelledby={`tab-${tab.value}`}>
        {tab.value === 'vehicles' ? <VehicleTable /> : tab.value === 'fences' ? <FenceTable /> : <EventTable />}
      </div>
    </>
  );
}
