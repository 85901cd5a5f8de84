// Bottom strip: the open alerts. What waits for a person stands first.

import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Alert } from '../api/types';
import { code, plural, t } from '../i18n';
import { isUnacked } from '../state/alert-book';
import { shownAlerts } from '../state/alert-sectors';
import { leisure } from '../state/leisure';
import { ackErrors, acknowledge, alerts, unackedCount, vehicleName } from '../state/ops';
import { alertOpen } from '../state/view';
import { alertText, focusHint, openDetails, showOnMap } from './alert-actions';
import { Time, Unverified, arrowKeys } from './bits';
import { Glyph, LevelIcon } from './icons';

const filter = signal<ComponentType | null>(null);
void leisure.then(() => import('./sector-filter')).then((m) => m.ready).then((c) => (filter.value = c), () => {});

const stateText = (a: Alert): string => {
  if (a.acknowledged) return t('alert.state.acknowledged');
  return a.cleared_at ? t('alert.state.cleared') : t('alert.state.raised');
};

function AlertRow({ a }: { a: Alert }) {
  const unacked = isUnacked(a);
  const text = alertText(a);
  const error = ackErrors.value.get(a.id);
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== 'Enter' || e.target !== e.currentTarget) return;
    openDetails(a);
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <li class={`alert level-${a.level}${unacked ? ' is-unacked' : ''}${a.cleared_at ? ' is-cleared' : ''}`} tabIndex={0}
      data-alert={a.id} data-state={a.state} data-acknowledged={String(a.acknowledged !== null)} aria-current={alertOpen.value === a.id}
      onKeyDown={onKeyDown}>
      <LevelIcon level={a.level} filled={unacked} />
      <span class="alert-level">{code('alert.level', String(a.level))}</span>
      <span class="alert-time"><Time at={a.raised_at} /></span>
      <span class="alert-what">
        <strong>{vehicleName(a)}</strong>{!a.vehicle.verified && <Unverified />}
        <span>{code('alert.type', a.type)}{a.fence && <> · {a.fence.name}</>}{a.other && <> · {a.other.name || a.other.id}</>}</span>
        {a.count > 1 && <span class="muted">{t('alert.times', { n: a.count })}</span>}
        {a.transitions > 2 && a.fence && <span class="muted">{t('alert.transitions', { n: a.transitions })}</span>}
        {error && <span class="error">{t('alert.ack.failed', { detail: error })}</span>}
      </span>
      <span class="alert-state">{stateText(a)}</span>
      <span class="alert-actions">
        <button class="button icon-button" type="button" title={t('alert.jump')} aria-label={t('alert.jump.label', { text })} onClick={() => showOnMap(a)}>
          <Glyph name="target" />
        </button>
        <button class="button" type="button" aria-label={t('alert.details.label', { text })} aria-expanded={alertOpen.value === a.id} onClick={() => openDetails(a)}>
          {t('alert.details')}
        </button>
        <button class="button primary" type="button" aria-label={t('alert.ack.label', { text })} disabled={!unacked}
          data-testid="acknowledge" onClick={() => void acknowledge(a.id)}>
          {t('alert.ack')}
        </button>
      </span>
    </li>
  );
}

export function AlertStrip() {
  const list = shownAlerts.value;
  const Filter = filter.value;
  const root = useRef<HTMLUListElement>(null);
  const focused = useRef<{ id: string; index: number } | null>(null);
  // Rows move when they are acknowledged, and leave when they are cleared: the
  // keyboard user stays on the row, or on the one that took its place.
  useLayoutEffect(() => {
    const want = focused.current;
    if (!want || !root.current || root.current.contains(document.activeElement)) return;
    if (document.activeElement && document.activeElement !== document.body) return;
    const rows = [...root.current.querySelectorAll<HTMLElement>('[data-alert]')];
    (rows.find((r) => r.dataset.alert === want.id) ?? rows[Math.min(want.index, rows.length - 1)])?.focus();
  });
  const onFocusIn = (e: FocusEvent) => {
    const id = (e.target as HTMLElement).closest<HTMLElement>('[data-alert]')?.dataset.alert;
    focused.current = id ? { id, index: list.findIndex((a) => a.id === id) } : null;
  };
  const onFocusOut = (e: FocusEvent) => {
    if (e.relatedTarget && !root.current?.contains(e.relatedTarget as Node)) focused.current = null;
  };
  return (
    <section class="alerts" aria-labelledby="alerts-title" id="alerts" tabIndex={-1}>
      <header>
        <h2 id="alerts-title">{t('alerts.title')}</h2>
        {alerts.value.length > 0 && <span class="muted">{plural('alerts.open', alerts.value.length)}</span>}
        {unackedCount.value > 0 && <span class="tag tag-danger">{plural('alerts.unacked', unackedCount.value)}</span>}
        {Filter && <Filter />}
        <span class="spacer" />
        <span class="muted small only-wide">{focusHint()}</span>
      </header>
      {list.length === 0
        ? <p class="empty">{t('alerts.none')}</p>
        : (
          <ul class="alert-list" aria-label={t('alerts.list')} ref={root} onFocusIn={onFocusIn} onFocusOut={onFocusOut} onKeyDown={(e) => arrowKeys(e, '[data-alert]')}>
            {list.map((a) => <AlertRow key={a.id} a={a} />)}
          </ul>
        )}
    </section>
  );
}
