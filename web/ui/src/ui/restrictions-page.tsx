// Temporary restrictions: publish one, see who has acknowledged it, end it.

import { useEffect, useState } from 'preact/hooks';
import { restrictionsApi, type Restriction } from '../api/sites';
import { t } from '../i18n/later';
import { liveMap } from '../map/current';
import { may, organisationName, takeShown } from '../state/accounts';
import { serverTime, zoneClock, zoneTz } from '../state/clock';
import { actor } from '../state/session';
import type { UnixMs } from '../units';
import { Failure, Field, Table, useAct } from './account-bits';
import { restrictionOf, type RestrictionForm } from './site-booking';

const REFRESH_MS = 5_000;
const clock = (at: string) => zoneClock(Date.parse(at) as UnixMs, true);

const begin = (): RestrictionForm => {
  const view = liveMap()?.view;
  const [lon, lat] = view?.lonLatAt(view.camera().width / 2, view.camera().height / 2) ?? [0, 0];
  return { name: '', kind: 'planned', lat: lat.toFixed(6), lon: lon.toFixed(6), radius: '300', from: '', hours: '2' };
};

function Publish({ done }: { done: () => void }) {
  const [f, set] = useState<RestrictionForm>(begin);
  const [meets, setMeets] = useState<Restriction | null>(null);
  const { busy, failure, act } = useAct();
  const input = () => restrictionOf(f, zoneTz.value, serverTime() ?? Date.now());
  const change = (part: Partial<RestrictionForm>) => {
    setMeets(null);
    set({ ...f, ...part });
  };
  const text = (key: 'name' | 'lat' | 'lon' | 'radius' | 'hours', label: string) => (
    <Field label={label}><input name={key} type="text" value={f[key]} data-testid={`res-${key}`} onInput={(e) => change({ [key]: e.currentTarget.value })} /></Field>
  );
  return (
    <form class="desk-form" noValidate data-testid="res-form" onSubmit={(e) => {
      e.preventDefault();
      const q = input();
      if (q) void act(() => restrictionsApi.publish(q), t('res.published', { name: q.name })).then((ok) => ok && (change({ name: '' }), done()));
    }}>
      <h3>{t('res.new')}</h3>
      {text('name', t('res.name'))}
      <Field label={t('res.kind')}>
        <select value={f.kind} data-testid="res-kind" onChange={(e) => change({ kind: e.currentTarget.value as RestrictionForm['kind'] })}>
          <option value="planned">{t('res.kind.planned')}</option>
          <option value="urgent">{t('res.kind.urgent')}</option>
        </select>
      </Field>
      <div class="field-row">{text('lat', t('prio.lat'))}{text('lon', t('prio.lon'))}{text('radius', t('res.radius'))}{text('hours', t('res.hours'))}</div>
      <Field label={t('res.from', { tz: zoneTz.value })} hint={t('res.fromHint')}>
        <input type="datetime-local" value={f.from} onInput={(e) => change({ from: e.currentTarget.value })} />
      </Field>
      <Failure of={failure} />
      <p role="status" class={meets ? 'note' : 'muted'} data-testid="res-meets">
        {meets?.impact ? t('res.meets', { v: meets.impact.vehicles.count, b: meets.impact.bookings?.length ?? 0, p: meets.impact.permits?.length ?? 0, o: meets.counts.told }) : ''}
      </p>
      <div class="actions">
        <button class="button" type="button" disabled={busy || !input()} data-testid="res-try" onClick={() => {
          const q = input();
          if (q) void act(() => restrictionsApi.preview(q).then(setMeets));
        }}>{t('res.try')}</button>
        <button class="button danger" type="submit" disabled={busy || !input() || !meets} data-testid="res-publish">{t('res.publish')}</button>
      </div>
    </form>
  );
}

function One({ of: r, done }: { of: Restriction; done: () => void }) {
  const { busy, failure, act } = useAct();
  const does = (work: () => Promise<unknown>, said: string) => () => void act(work, said).then(done);
  const told = r.told ?? [];
  const own = told.find((n) => n.organisation_id === actor.value?.organisation);
  return (
    <section class="desk-section wide" tabIndex={-1} data-testid="restriction" data-restriction={r.id} data-state={r.state} aria-label={r.name}>
      <h3>{r.name} · <strong>{t(`res.state.${r.state}`)}</strong></h3>
      <p>{t(`res.kind.${r.kind}`)} · {clock(r.from)} – {clock(r.to)}</p>
      {r.notice_due && <p class={r.late ? 'note' : 'muted'} data-testid="res-notice">{r.late ? t('res.late', { at: clock(r.notice_due), pack: r.rule_pack }) : t('res.inTime', { pack: r.rule_pack })}</p>}
      <p role="status" class={r.counts.overdue ? 'note' : ''} data-testid="res-read">{t('res.read', { n: r.counts.acknowledged, of: r.counts.told })}</p>
      {told.length > 0 && (
        <Table label={t('res.board', { name: r.name })} heads={[t('res.org'), t('res.due'), t('res.ackAt'), t('acc.acts')]}>
          {told.map((n) => (
            <tr key={n.organisation_id} data-organisation={n.organisation_id}>
              <td class="wrap">{organisationName(n.organisation_id)}</td>
              <td>{clock(n.due)}</td>
              <td class="wrap">{n.acknowledged_at ? <>{clock(n.acknowledged_at)}<div class="sub">{n.note}</div></> : n.overdue ? <strong>{t('res.overdue')}</strong> : '–'}</td>
              <td>{!n.acknowledged_at && may('zone.control') && n !== own && r.state !== 'over' && (
                <button class="button" type="button" disabled={busy} data-testid="res-called" onClick={does(() => restrictionsApi.acknowledge(r, n.organisation_id, t('res.calledNote')), t('res.acked'))}>{t('res.called')}</button>
              )}</td>
            </tr>
          ))}
        </Table>
      )}
      <Failure of={failure} />
      <div class="actions">
        {own && !own.acknowledged_at && r.state !== 'over' && (may('permit.apply') || may('zone.control')) && <button class="button primary" type="button" disabled={busy} data-testid="res-ack" onClick={does(() => restrictionsApi.acknowledge(r), t('res.acked'))}>{t('res.ack')}</button>}
        {may('zone.control') && r.state !== 'over' && <button class="button" type="button" disabled={busy} data-testid="res-end" onClick={does(() => restrictionsApi.end(r), t('res.ended', { name: r.name }))}>{t('res.end')}</button>}
      </div>
    </section>
  );
}

export function RestrictionsPage() {
  const [list, setList] = useState<readonly Restriction[] | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [turn, again] = useState(0);
  useEffect(() => {
    let stopped = false;
    const read = () => restrictionsApi.list().then((l) => !stopped && (setList(l), setFailed(null)), (err: unknown) => !stopped && setFailed(err));
    void read();
    const timer = window.setInterval(() => void read(), REFRESH_MS);
    return () => {
      stopped = true;
      window.clearInterval(timer);
    };
  }, [turn]);
  const reload = () => again((n) => n + 1);
  const [wanted, found] = useState(() => takeShown('restriction'));
  useEffect(() => {
    const one = wanted && list && document.querySelector<HTMLElement>(`[data-restriction="${CSS.escape(wanted)}"]`);
    if (!one) return;
    one.scrollIntoView();
    one.focus();
    found('');
  }, [wanted, list]);
  return (
    <>
      <h2>{t('desk.restrictions')}</h2>
      <Failure of={failed} />
      {list?.length === 0 && <p class="muted" data-testid="res-none">{t('res.none')}</p>}
      {list?.map((r) => <One key={r.id} of={r} done={reload} />)}
      {may('zone.control') && <Publish done={reload} />}
    </>
  );
}
