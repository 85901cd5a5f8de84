// Binds the keyboard map to the page.

import { liveMap } from '../map/current';
import { endEmergency, leaveMode, startEmergency } from '../state/modes';
import { acknowledge } from '../state/ops';
import { dimmed, labelLevel, shortcutsOn, toggleLayer, type LabelLevel } from '../state/prefs';
import { silence } from '../state/sound';
import { escape, filter, helpOpen, isolated, listsOpen, mapMenu, searchWanted, selection, setFilter, tab, toggleFollow } from '../state/view';
import { focusAlert, focusedAlert } from './alert-actions';
import { actionFor, type Action, type KeyContext } from './keyboard';

const PAN_PX = 120;

const context = (target: EventTarget | null): KeyContext => {
  const el = target instanceof HTMLElement ? target : null;
  const input = el instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(el.type);
  return {
    enabled: shortcutsOn.value,
    inText: input || el instanceof HTMLTextAreaElement || el instanceof HTMLSelectElement || (el?.isContentEditable ?? false),
    onControl: el !== null && el.matches('button, a[href], input, summary, [role="tab"]'),
    dialog: helpOpen.value,
  };
};

const actions: Record<Action, () => void> = {
  search: () => {
    tab.value = 'vehicles';
    listsOpen.value = true;
    const focus = () => {
      const field = document.getElementById('search');
      field?.focus();
      return field !== null && document.activeElement === field;
    };
    // At once, for who types on; when the field must be drawn first, right after.
    if (!focus()) requestAnimationFrame(() => (searchWanted.value = !focus()));
  },
  help: () => (helpOpen.value = true),
  zoomIn: () => liveMap()?.view.zoomBy(0.5),
  zoomOut: () => liveMap()?.view.zoomBy(-0.5),
  panUp: () => liveMap()?.view.panBy(0, -PAN_PX),
  panDown: () => liveMap()?.view.panBy(0, PAN_PX),
  panLeft: () => liveMap()?.view.panBy(-PAN_PX, 0),
  panRight: () => liveMap()?.view.panBy(PAN_PX, 0),
  home: () => liveMap()?.home(),
  follow: () => {
    const id = selection.value[selection.value.length - 1];
    if (id) toggleFollow(id);
  },
  labels: () => (labelLevel.value = ((labelLevel.value + 1) % 4) as LabelLevel),
  isolate: () => (isolated.value = !isolated.value && selection.value.length > 0),
  trails: () => toggleLayer('trails'),
  table: () => setFilter({ all: !filter.value.all }),
  nextAlert: () => focusAlert(1),
  previousAlert: () => focusAlert(-1),
  acknowledge: () => {
    const a = focusedAlert();
    if (a) void acknowledge(a.id);
  },
  silence,
  emergency: () => startEmergency(),
  dim: () => (dimmed.value = !dimmed.value),
  escape: () => {
    const active = document.activeElement;
    const inText = active instanceof HTMLTextAreaElement || (active instanceof HTMLInputElement && active.type !== 'checkbox');
    if (inText && !active.closest('.emergency')) active.blur();
    else if (mapMenu.value) mapMenu.value = null;
    else if (!endEmergency() && !leaveMode()) escape();
  },
};

export function bindKeyboard(): () => void {
  const onKey = (e: KeyboardEvent) => {
    if (e.defaultPrevented) return;
    const action = actionFor(e, context(e.target));
    if (!action) return;
    if (action === 'acknowledge' && !focusedAlert()) return;
    e.preventDefault();
    actions[action]();
  };
  window.addEventListener('keydown', onKey);
  return () => window.removeEventListener('keydown', onKey);
}
