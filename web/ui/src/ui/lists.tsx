// Left panel: vehicles, fences, crossings.

import { t } from '../i18n/later';
import { fences } from '../state/ops';
import { tab, type Tab } from '../state/view';
import { later } from './later';
import { TerminationCall } from './termination-call';
import { VehicleTable } from './vehicle-table';

const FencesTab = later(() => import('./fences-tab').then((m) => m.FencesTab), 'fences', 'panels');
const EventTable = later(() => import('./event-table').then((m) => m.EventTable), 'panels');
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
      <TerminationCall />
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
