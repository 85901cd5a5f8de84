// What one can do with an alert, from mouse or keyboard.

import type { Alert } from '../api/types';
import { code, t } from '../i18n';
import { liveMap } from '../map/current';
import { shownAlerts } from '../state/alert-sectors';
import { alerts, fleet, vehicleName } from '../state/ops';
import { alertOpen, select } from '../state/view';

export function alertText(a: Alert): string {
  const parts = [code('alert.level', String(a.level)), code('alert.type', a.type), vehicleName(a)];
  if (a.fence) parts.push(a.fence.name);
  if (a.other) parts.push(a.other.name || a.other.id);
  return parts.join(' · ');
}

/** Where the vehicle is now, else where it was when the alert was raised. */
export function showOnMap(a: Alert): void {
  select(a.vehicle.id);
  const slot = fleet.slotOf(fleet.handleOf(a.vehicle.id));
  const fix = a.evidence?.after ?? a.evidence?.before ?? null;
  if (slot >= 0 && fleet.hasPosition(slot)) liveMap()?.view.flyTo(fleet.lonDeg(slot), fleet.latDeg(slot));
  else if (fix) liveMap()?.view.flyTo(fix.lon, fix.lat);
}

export function openDetails(a: Alert): void {
  alertOpen.value = alertOpen.value === a.id ? null : a.id;
}

const row = (id: string) => document.querySelector<HTMLElement>(`[data-alert="${CSS.escape(id)}"]`);

/** The alert that has the focus, or null. */
export function focusedAlert(): Alert | null {
  const id = document.activeElement?.closest<HTMLElement>('[data-alert]')?.dataset.alert;
  return alerts.value.find((a) => a.id === id) ?? null;
}

/** Moves the focus to the next or previous open alert; the first one comes first. */
export function focusAlert(step: 1 | -1): void {
  const list = shownAlerts.value;
  if (list.length === 0) return;
  const at = list.findIndex((a) => a.id === focusedAlert()?.id);
  const to = at < 0 ? (step > 0 ? 0 : list.length - 1) : (at + step + list.length) % list.length;
  const el = row(list[to]!.id);
  el?.focus();
  el?.scrollIntoView({ block: 'nearest' });
}

export const focusHint = (): string => t('alerts.hint');
