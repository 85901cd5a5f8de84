// Selection card: what the server knows about one vehicle, read once a second
// while it is selected, beside the values of the live record.

import { tracks } from '../api/tracks';
import type { Track } from '../api/types';
import { code, formatNumber, t } from '../i18n/later';
import { isTraffic } from '../live/fleet';
import { UNKNOWN } from '../live/frame';
import { liveMap } from '../map/current';
import { altitudeOf, speedOf, speedText } from '../map/label-text';
import { phaseName, stateOf } from '../map/look';
import { shortAge } from '../state/clock';
import { fleet, stoppedAt, vehicleAlerts } from '../state/ops';
import { following, select, selection, toggleFollow } from '../state/view';
import { now } from '../units';
import { beat } from './beat';
import { Row, Time, Unverified } from './bits';
import { FencesEnforced, GroundsRows } from './evidence';
import { ClassIcon, Glyph, LevelIcon } from './icons';
import { later } from './later';
import { TrafficCard } from './traffic-card';
import { useRead } from './use-read';

const Orders = later(() => import('./orders').then((m) => m.Orders), 'accounts');
const PermitOfVehicle = later(() => import('./permit-card').then((m) => m.PermitOfVehicle), 'permits', 'reviews');
const Plans = later(() => import('./plans').then((m) => m.Plans), 'accounts');

const unknown = () => t('unknown');
const num = (v: number | null | undefined, digits: number, unit: string) =>
  v === null || v === undefined ? unknown() : `${formatNumber(v, digits)}${unit}`;

function LiveValues({ slot }: { slot: number }) {
  const cls = fleet.className(slot);
  const age = fleet.age(slot, now());
  const { stale } = stateOf(fleet, slot, now(), vehicleAlerts.value);
  const aged = { age: shortAge(age) };
  const note = Number.isNaN(age) ? t('stale.never')
    : stale === 3 ? t('stale.last', aged) : stale === 2 ? t('stale.old', aged) : stale === 1 ? t('stale.late', aged) : aged.age;
  const hdg = fleet.hdg[slot]!;
  const vz = fleet.vz[slot]!;
  return (
    <dl class="facts">
      <Row label={t('card.phase')}>{t(`phase.${phaseName(fleet.status[slot]!)}`)}</Row>
      <Row label={t('card.altAmsl')}>{num(altitudeOf(slot), 1, ' m')}</Row>
      <Row label={t('card.speed')}>{speedText(cls, speedOf(slot))}</Row>
      <Row label={t('card.climb')}>{vz === UNKNOWN.vz ? unknown() : num(vz / 100, 1, ' m/s')}</Row>
      <Row label={t('card.heading')}>{hdg === UNKNOWN.hdg ? unknown() : `${formatNumber(hdg / 100)}°`}</Row>
      <Row label={t('card.position')}>
        {fleet.hasPosition(slot) ? `${fleet.latDeg(slot).toFixed(6)}, ${fleet.lonDeg(slot).toFixed(6)}` : unknown()}
      </Row>
      <Row label={t('card.age')}><span class={`stale-text-${stale}`}>{note}</span></Row>
    </dl>
  );
}

function Enforcement({ track }: { track: Track }) {
  const { enforced, reasons } = track.enforcement;
  // What the server said last is no answer to what is enforced now.
  if (stoppedAt.value !== null) return <p class="enforcement is-off" data-testid="enforcement-unknown"><strong>{t('card.enforcedUnknown')}</strong></p>;
  return (
    <p class={`enforcement ${enforced ? 'is-on' : 'is-off'}`}>
      <strong>{t(enforced ? 'card.enforced' : 'card.notEnforced')}</strong>
      {(reasons ?? []).map((r) => <span key={r}>{code('enforce', r)}</span>)}
      <FencesEnforced track={track} />
    </p>
  );
}

function fixText(track: Track): string {
  const f = track.fix;
  if (!f) return unknown();
  return t('card.fix.value', {
    type: code('fix', String(f.type)),
    satellites: f.satellites ?? unknown(),
    hacc: num(f.hacc_m, 1, ' m'),
  });
}

function TrackFacts({ track }: { track: Track }) {
  const own = track.vehicle_fence_breached;
  const s = track.source;
  return (
    <>
      <Enforcement track={track} />
      {(track.breaches ?? []).length > 0 && (
        <p class="breaches"><strong>{t('card.inside')}</strong> {track.breaches!.map((b) => b.fence_name || b.fence_id).join(', ')}</p>
      )}
      <Orders track={track} />
      {track.verified && <Plans track={track} />}
      {track.verified && <PermitOfVehicle id={track.id} />}
      <h3>{t('card.state')}</h3>
      <dl class="facts">
        <Row label={t('card.mode')}>{track.mode.name || track.mode.number}</Row>
        <Row label={t('card.armed')}>{t(track.armed ? 'yes' : 'no')}</Row>
        <Row label={t('card.battery')}>{num(track.battery_pct, 0, ' %')}</Row>
        <Row label={t('card.altTakeoff')}>{num(track.heights.takeoff_m, 1, ' m')}</Row>
        <Row label={t('card.fix')}>{fixText(track)}</Row>
        <Row label={t('card.estimator')}>{code('estimator', track.estimator)}</Row>
        <Row label={t('card.jamming')}>{code('interference', track.jamming)} / {code('interference', track.spoofing)}</Row>
        <GroundsRows g={track.grounds} />
        <Row label={t('card.ownFence')}>{own === null ? unknown() : t(own ? 'card.ownFence.breached' : 'card.ownFence.ok')}</Row>
        <Row label={t('card.alert')}>{track.alert_level > 0 ? code('alert.level', String(track.alert_level)) : t('none')}</Row>
      </dl>
      <h3>{t('card.identity')}</h3>
      <dl class="facts">
        <Row label={t('card.id')}><span class="mono">{track.id}</span></Row>
        <Row label={t('card.class')}>{code('class', `${track.class}.long`)}</Row>
        <Row label={t('card.operator')}>{track.operator || unknown()}</Row>
        <Row label={t('card.trust')}>{track.verified ? t('verified') : <Unverified />}</Row>
        <Row label={t('card.handle')}>{track.handle}</Row>
      </dl>
      <h3>{t('card.link')}</h3>
      <dl class="facts">
        <Row label={t('card.linkState')}>{code('linkstate', track.link)}</Row>
        <Row label={t('card.heartbeat')}><Time at={track.heartbeat_at} /></Row>
        <Row label={t('card.positionAt')}><Time at={track.position_at} /></Row>
        <Row label={t('card.listener')}>{s.listener}</Row>
        <Row label={t('card.address')}><span class="mono">{s.address}</span></Row>
        <Row label={t('card.system')}>{s.system_id} / {s.component_id}</Row>
        <Row label={t('card.autopilot')}>{s.autopilot} / {s.mav_type}</Row>
        <Row label={t('card.reports')}>{formatNumber(track.reports)}</Row>
      </dl>
    </>
  );
}

export function Card({ id }: { id: string }) {
  void beat.value;
  const { value: track, error } = useRead(id, tracks.vehicle);
  const slot = fleet.slotOf(fleet.handleOf(id));
  const known = slot >= 0;
  const name = known ? fleet.name(slot) : track?.name || id;
  const cls = known ? fleet.className(slot) : (track?.class ?? 'unknown');
  const level = known ? stateOf(fleet, slot, now(), vehicleAlerts.value).level : 0;
  const unverified = known ? fleet.unverified(slot) : track?.verified === false;
  const centre = () => {
    if (known && fleet.hasPosition(slot)) liveMap()?.view.flyTo(fleet.lonDeg(slot), fleet.latDeg(slot));
    else if (track?.position) liveMap()?.view.flyTo(track.position.lon, track.position.lat);
  };
  return (
    <section class="panel card" aria-label={t('card.label', { name })} data-testid="card">
      <header>
        <ClassIcon cls={cls} hollow={unverified} />
        <h2>{name}</h2>
        {level > 0 && <LevelIcon level={level} filled />}
        {unverified && <Unverified />}
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={`${t('close')}: ${name}`} onClick={() => select(id, true)}><Glyph name="close" /></button>
      </header>
      <div class="card-body" tabIndex={0} role="group" aria-label={t('card.label', { name })}>
        <div class="actions">
          <button class="button" type="button" aria-pressed={following.value === id} onClick={() => toggleFollow(id)}>
            {t(following.value === id ? 'card.unfollow' : 'card.follow')}
          </button>
          <button class="button" type="button" onClick={centre}>{t('card.center')}</button>
        </div>
        {known && <LiveValues slot={slot} />}
        {track ? <TrackFacts track={track} /> : !error && <p class="muted">{t('card.loading')}</p>}
        {error && <p class="error">{error.status === 404 ? t('card.gone') : t('card.failed', { detail: error.message })}</p>}
      </div>
    </section>
  );
}

export function Cards() {
  return (
    <>
      {selection.value.map((id) => (isTraffic(fleet.entry(fleet.handleOf(id))?.class ?? '') || /^(icao|mmsi|rid)-/.test(id)
        ? <TrafficCard key={id} id={id} /> : <Card key={id} id={id} />))}
    </>
  );
}
