// Selection card of an aircraft, a ship or a drone that is not the zone's: who it says
// it is, who heard it and when. Nothing can be ordered of it.

import { tracks } from '../api/tracks';
import type { Traffic } from '../api/types';
import { code, formatNumber, t } from '../i18n/later';
import { liveMap } from '../map/current';
import { fleet, vehicleAlerts } from '../state/ops';
import { following, select, toggleFollow } from '../state/view';
import { Row, Time, Unverified } from './bits';
import { ClassIcon, Glyph, LevelIcon } from './icons';
import { useRead } from './use-read';

const num = (v: number | null, digits: number, unit: string) => (v === null ? t('unknown') : `${formatNumber(v, digits)}${unit}`);

/** Geometric if it is known; of a pressure altitude also how far it may be off. */
function height(x: Traffic): string {
  if (x.heights.amsl_m !== undefined) return num(x.heights.amsl_m, 0, ' m');
  if (x.pressure_altitude_m === null) return t('unknown');
  return t('traffic.pressure', { height: formatNumber(x.pressure_altitude_m), off: formatNumber(x.pressure_off_m ?? 0) });
}

function Facts({ x }: { x: Traffic }) {
  const squawk = x.squawk === null ? '' : String(x.squawk).padStart(4, '0');
  return (
    <>
      {x.distress && <p class="enforcement is-off" data-testid="distress"><strong>{code('traffic.distress', x.distress)}</strong>{squawk && <span>{squawk}</span>}</p>}
      {x.same_as && <p class="note">{t('traffic.same', { vehicle: x.same_as })}</p>}
      <dl class="facts">
        <Row label={t('traffic.height')}>{height(x)}</Row>
        <Row label={t('card.speed')}>{num(x.speed_mps, 1, ' m/s')}</Row>
        <Row label={t('card.climb')}>{num(x.climb_mps, 1, ' m/s')}</Row>
        <Row label={t('traffic.course')}>{num(x.course_deg, 0, '°')}</Row>
        <Row label={t('card.position')}>{`${x.position.lat.toFixed(6)}, ${x.position.lon.toFixed(6)}`}</Row>
        <Row label={t('traffic.age')}>{num(x.age_s, 0, ' s')}</Row>
        <Row label={t('card.positionAt')}><Time at={x.position_at} /></Row>
      </dl>
      <h3>{t('card.identity')}</h3>
      <dl class="facts">
        <Row label={t('card.id')}><span class="mono">{x.id}</span></Row>
        <Row label={t('traffic.means')}>{code('means', x.means)}{x.simulated && <> · {t('traffic.simulated')}</>}</Row>
        {x.callsign && <Row label={t('traffic.callsign')}>{x.callsign}</Row>}
        {x.ship_name && <Row label={t('traffic.ship')}>{x.ship_name}</Row>}
        {x.serial_number && <Row label={t('traffic.serial')}><span class="mono">{x.serial_number}</span></Row>}
        {squawk && <Row label={t('traffic.squawk')}>{squawk}</Row>}
        {x.category !== null && <Row label={t('traffic.category')}>{x.means === 'adsb' ? code('emitter', String(x.category)) : x.category}</Row>}
        {x.pilot && <Row label={t('traffic.pilot')}>{`${x.pilot.lat.toFixed(6)}, ${x.pilot.lon.toFixed(6)}`}</Row>}
        <Row label={t('card.trust')}>{x.verified ? t('traffic.verified') : <Unverified />}</Row>
      </dl>
      <h3>{t('traffic.reporters')}</h3>
      <ul class="plain" data-testid="reporters">
        {(x.reporters ?? []).map((r) => (
          <li key={r.id}><button class="link-button" type="button" onClick={() => select(r.id)}>{r.id}</button> <Time at={r.at} /></li>
        ))}
      </ul>
      <p class="muted">{t('traffic.note')}</p>
    </>
  );
}

export function TrafficCard({ id }: { id: string }) {
  const { value: x, error } = useRead(id, tracks.traffic);
  const handle = fleet.handleOf(id);
  const cls = x?.class ?? fleet.entry(handle)?.class ?? 'aircraft';
  const name = x?.name || fleet.entry(handle)?.name || id;
  const level = vehicleAlerts.value.get(id)?.level ?? 0;
  return (
    <section class="panel card" aria-label={t('card.label', { name })} data-testid="traffic-card">
      <header>
        <ClassIcon cls={cls} />
        <h2>{name}</h2>
        {level > 0 && <LevelIcon level={level} filled />}
        {x?.verified === false && <Unverified />}
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={`${t('close')}: ${name}`} onClick={() => select(id, true)}><Glyph name="close" /></button>
      </header>
      <div class="card-body" tabIndex={0} role="group" aria-label={t('card.label', { name })}>
        <div class="actions">
          <button class="button" type="button" aria-pressed={following.value === id} onClick={() => toggleFollow(id)}>
            {t(following.value === id ? 'card.unfollow' : 'card.follow')}
          </button>
          <button class="button" type="button" disabled={!x} onClick={() => x && liveMap()?.view.flyTo(x.position.lon, x.position.lat)}>{t('card.center')}</button>
        </div>
        {x ? <Facts x={x} /> : !error && <p class="muted">{t('card.loading')}</p>}
        {error && <p class="error">{error.status === 404 ? t('card.gone') : t('card.failed', { detail: error.message })}</p>}
      </div>
    </section>
  );
}
