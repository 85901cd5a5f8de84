// Left panel: vehicles, fences, crossings.

import { t, code } from '../i18n';
import { events, fences } from '../state/ops';
import { select, tab, type Tab } from '../state/view';
import { Time, Unverified, arrowKeys } from './bits';
import { jumpText } from './evidence';
import { FencesTab } from './fence-list';
import { VehicleTable } from './vehicle-table';

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
                {e.fence?.name}{e.jump && jumpText(e.jump)}
                {(e.flags ?? []).map((f) => <span key={f} class="sub muted">{code('flag', f)}</span>)}
                {e.held && !e.jump && <span class="sub muted">{t('event.held')}</span>}
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
        {tab.value === 'vehicles' ? <VehicleTable /> : tab.value === 'fences' ? <FencesTab /> : <EventTable />}
      </div>
    </>
  );
}
