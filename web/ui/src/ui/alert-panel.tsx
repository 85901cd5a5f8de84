// Details of one alert: what was decided, on which fence revision, by which fixes.

import type { Alert, Fix } from '../api/types';
import { code, formatNumber, t } from '../i18n/later';
import { isUnacked } from '../state/alert-book';
import { colleagueName } from '../state/names';
import { acknowledge, alerts, findAlert, vehicleName } from '../state/ops';
import { alertOpen, select } from '../state/view';
import { showOnMap } from './alert-actions';
import { Row, Time, Unverified } from './bits';
import { AlertEvidenceRows, GroundsRows } from './evidence';
import { Glyph, LevelIcon } from './icons';
import { later } from './later';

const ContactOf = later<{ id: string }>(() => import('./contact-of').then((m) => m.ContactOf), 'accounts', 'vehicles');

function fixText(f: Fix | null): string {
  if (!f) return t('none');
  const parts = [`${f.lat.toFixed(7)}, ${f.lon.toFixed(7)}`];
  const { amsl_m, takeoff_m } = f.heights ?? {};
  if (amsl_m !== undefined && amsl_m !== null) parts.push(`${formatNumber(amsl_m, 1)} m ${t('fence.datum.amsl')}`);
  if (takeoff_m !== undefined && takeoff_m !== null) parts.push(`${formatNumber(takeoff_m, 1)} m ${t('fence.datum.takeoff')}`);
  return parts.join(' · ');
}

function Evidence({ a }: { a: Alert }) {
  const e = a.evidence;
  if (!e) return null;
  return (
    <>
      <h3>{t('alert.evidence')}</h3>
      <dl class="facts">
        {a.fence && (
          <Row label={t('alert.field.fence')}>
            {t('alert.field.fenceRev', { name: a.fence.name, rev: a.fence.rev })} · {code('fence', a.fence.kind)}
          </Row>
        )}
        <Row label={t('alert.field.before')}>{fixText(e.before)}</Row>
        <Row label={t('alert.field.after')}>{fixText(e.after)}</Row>
        <Row label={t('alert.field.datum')}>{code('fence.datum', e.datum)}</Row>
        {(e.flags ?? []).length > 0 && (
          <Row label={t('alert.field.flags')}>{e.flags!.map((f) => code('flag', f)).join('; ')}</Row>
        )}
        <Row label={t('alert.field.received')}><Time at={e.received_at} date /></Row>
        <GroundsRows g={e.grounds} />
        {e.boot_ms !== null && e.boot_ms !== undefined && (
          <Row label={t('alert.field.boot')}>{formatNumber(e.boot_ms / 1000, 3)} s</Row>
        )}
      </dl>
    </>
  );
}

export function AlertPanel() {
  // The list is read so that the panel is drawn again when the alert changes.
  void alerts.value;
  const a = alertOpen.value === null ? undefined : findAlert(alertOpen.value);
  if (!a) return null;
  return (
    <section class={`panel alert-panel level-${a.level}`} aria-label={t('alert.panel')} data-testid="alert-panel">
      <header>
        <LevelIcon level={a.level} filled={isUnacked(a)} />
        <h2>{code('alert.type', a.type)}</h2>
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={`${t('close')}: ${t('alert.panel')}`} onClick={() => (alertOpen.value = null)}><Glyph name="close" /></button>
      </header>
      <div class="card-body" tabIndex={0} role="group" aria-label={t('alert.panel')}>
        <div class="actions">
          <button class="button primary" type="button" disabled={!isUnacked(a)} onClick={() => void acknowledge(a.id)}>{t('alert.ack')}</button>
          <button class="button" type="button" onClick={() => showOnMap(a)}>{t('alert.jump')}</button>
        </div>
        {!a.open && <p class="note">{t('alert.gone')}</p>}
        {a.type === 'call_person' && a.cleared_at === null && <ContactOf id={a.vehicle.id} />}
        <dl class="facts">
          <Row label={t('alert.field.level')}>{code('alert.level', String(a.level))}</Row>
          <Row label={t('alert.field.state')}>{code('alert.state', a.state)}</Row>
          <Row label={t('alert.field.vehicle')}>
            <button class="link-button" type="button" onClick={() => select(a.vehicle.id)}>{vehicleName(a)}</button>
            {' '}{code('class', a.vehicle.class)} {!a.vehicle.verified && <Unverified />}
          </Row>
          {a.fence && <Row label={t('alert.field.fence')}>{a.fence.name}</Row>}
          {a.other && (
            <Row label={t('alert.field.other')}>
              <button class="link-button" type="button" onClick={() => select(a.other!.id)}>{a.other.name || a.other.id}</button>
              {' '}{code('class', a.other.class)} {!a.other.verified && <Unverified />}
            </Row>
          )}
          {a.predicted && (
            <Row label={t('alert.field.predicted')}>
              {t('alert.predicted', { seconds: formatNumber(a.predicted.in_s), place: `${a.predicted.position.lat.toFixed(6)}, ${a.predicted.position.lon.toFixed(6)}` })}
            </Row>
          )}
          {a.separation && (
            <Row label={t('alert.field.separation')}>
              {t('alert.separation', {
                horizontal: formatNumber(a.separation.horizontal_m), vertical: formatNumber(a.separation.vertical_m), seconds: formatNumber(a.separation.at_s),
              })}
            </Row>
          )}
          <Row label={t('alert.field.raised')}><Time at={a.raised_at} date /></Row>
          <Row label={t('alert.field.last')}><Time at={a.last_at} date /></Row>
          {a.cleared_at && <Row label={t('alert.field.cleared')}><Time at={a.cleared_at} date />{a.cause && <> · {code('cause', a.cause)}</>}</Row>}
          {a.acknowledged && (
            <Row label={t('alert.field.acked')}><Time at={a.acknowledged.at} date /> · {colleagueName(a.acknowledged.by)}</Row>
          )}
          {a.acknowledged?.note && <Row label={t('alert.field.note')}>{a.acknowledged.note}</Row>}
          <Row label={t('alert.field.count')}>{a.count}</Row>
          {(a.sectors ?? []).length > 0 && <Row label={t('alert.field.sectors')}>{a.sectors!.join(', ')}</Row>}
          <AlertEvidenceRows a={a} />
        </dl>
        <Evidence a={a} />
      </div>
    </section>
  );
}
