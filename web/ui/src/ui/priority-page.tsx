// Priority traffic: announce it, see who is in its way, order the ways out, end it.

import { useEffect, useState } from 'preact/hooks';
import { priorityApi, type PriorityInput, type PriorityTraffic } from '../api/priority';
import { formatNumber, t } from '../i18n/later';
import { liveMap } from '../map/current';
import { may } from '../state/accounts';
import { failed, placeAt, priorities, watchPriorities } from '../state/priority';
import { Failure, Field, useAct } from './account-bits';
import { Exits } from './priority-exits';

const KINDS: readonly PriorityInput['kind'][] = ['helicopter', 'aircraft', 'ambulance', 'fire_engine', 'police', 'ship', 'other'];

/** Seconds as people count down: 2:05, and −0:10 when it has passed. */
export function countdown(s: number): string {
  const whole = Math.floor(Math.abs(s));
  return `${s < 0 ? '−' : ''}${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

interface Form {
  name: string; kind: PriorityInput['kind']; track: string; lat: string; lon: string; course: string; speed: string; radius: string; ceiling: string; clearIn: string;
}

const place = (): [number, number] => {
  const asked = placeAt.peek();
  if (asked) return [asked[0], asked[1]];
  const view = liveMap()?.view;
  const at = view?.lonLatAt(view.camera().width / 2, view.camera().height / 2);
  return at ? [at[0], at[1]] : [0, 0];
};

const begin = (): Form => {
  const [lon, lat] = place();
  return { name: '', kind: 'helicopter', track: '', lat: lat.toFixed(6), lon: lon.toFixed(6), course: '90', speed: '50', radius: '500', ceiling: '300', clearIn: '3' };
};

/** What the form asks; null: a number is none. */
export function inputOf(f: Form): PriorityInput | null {
  const numbers = [f.lat, f.lon, f.course, f.speed, f.radius, f.clearIn].map((v) => (v.trim() === '' ? NaN : Number(v)));
  const [lat, lon, course, speed, radius, minutes] = numbers as [number, number, number, number, number, number];
  const ceiling = f.ceiling.trim() === '' ? null : Number(f.ceiling);
  const track = f.track.trim();
  if (numbers.slice(track ? 4 : 0).some(Number.isNaN) || Number.isNaN(ceiling ?? 0) || f.name.trim() === '') return null;
  return {
    name: f.name.trim(), kind: f.kind, radius_m: radius, clear_in_s: minutes * 60,
    ...(ceiling !== null && { ceiling: { m: ceiling, datum: 'amsl' as const } }),
    ...(track ? { track } : { route: [{ lat, lon }], course_deg: course, speed_mps: speed }),
  };
}

function Announce() {
  const [f, set] = useState<Form>(begin);
  const [inTheWay, setInTheWay] = useState<number | null>(null);
  const { busy, failure, act } = useAct();
  const input = inputOf(f);
  const text = (key: keyof Form, label: string, hint?: string) => (
    <Field label={label} {...(hint ? { hint } : {})}>
      <input name={key} type="text" value={f[key]} data-testid={`priority-${key}`} onInput={(e) => {
        setInTheWay(null);
        set({ ...f, [key]: e.currentTarget.value });
      }} />
    </Field>
  );
  return (
    <form class="desk-form" data-testid="priority-form" noValidate onSubmit={(e) => {
      e.preventDefault();
      if (input) void act(() => priorityApi.announce(input).then(() => set({ ...f, name: '' })), t('prio.announced', { name: f.name }));
    }}>
      {text('name', t('prio.name'))}
      <Field label={t('prio.kind')}>
        <select name="kind" value={f.kind} onChange={(e) => set({ ...f, kind: e.currentTarget.value as Form['kind'] })}>
          {KINDS.map((k) => <option key={k} value={k}>{t(`prio.kind.${k}`)}</option>)}
        </select>
      </Field>
      {text('track', t('prio.track'), t('prio.trackHint'))}
      {f.track.trim() === '' && <>{text('lat', t('prio.lat'))}{text('lon', t('prio.lon'))}{text('course', t('prio.course'))}{text('speed', t('prio.speed'))}</>}
      {text('radius', t('prio.radius'))}
      {text('ceiling', t('prio.ceiling'), t('prio.ceilingHint'))}
      {text('clearIn', t('prio.clearIn'))}
      <Failure of={failure} />
      <p class={inTheWay ? 'note' : 'muted'} role="status" data-testid="priority-preview">{inTheWay === null ? '' : t('prio.inTheWay', { n: inTheWay })}</p>
      <div class="actions">
        <button class="button" type="button" disabled={busy || !input} data-testid="priority-try"
          onClick={() => input && void act(() => priorityApi.preview(input).then((p) => setInTheWay(p.now?.affected?.length ?? 0)))}>{t('prio.try')}</button>
        <button class="button danger" type="submit" disabled={busy || !input} data-testid="priority-announce">{t('prio.announce')}</button>
        <button class="button" type="button" onClick={() => {
          placeAt.value = null;
          const [lon, lat] = place();
          set({ ...f, lat: lat.toFixed(6), lon: lon.toFixed(6) });
        }}>{t('prio.centre')}</button>
      </div>
    </form>
  );
}

function One({ of: p }: { of: PriorityTraffic }) {
  const { busy, failure, act } = useAct();
  const now = p.now;
  const affected = now?.affected ?? [];
  return (
    <section class="desk-form" data-testid="priority" data-priority={p.id} aria-label={p.name}>
      <h3>{p.name} · {t(`prio.kind.${p.kind}`)}</h3>
      {p.provisional && <p class="note">{t('zone.provisional')} {p.refused}</p>}
      {now && <>
        <p class={now.clear_in_s < 0 && affected.length ? 'note' : ''} data-testid="priority-clear-in">{t('prio.clearBy')} <strong class="mono">{countdown(now.clear_in_s)}</strong></p>
        <p class={now.where === 'lost' || now.where === 'unseen' ? 'note' : 'muted'} data-testid="priority-where">{t(`prio.where.${now.where}`)} · {t('prio.radiusNow', { m: formatNumber(Math.round(now.radius_m)) })}</p>
        {(now.unjudged ?? []).length > 0 && <p class="note">{t('prio.unjudged', { names: (now.unjudged ?? []).map((v) => v.name || v.id).join(', ') })}</p>}
      </>}
      <p role="status" data-testid="priority-count">{t('prio.inTheWay', { n: affected.length })}</p>
      <Exits of={p} affected={affected} />
      <Failure of={failure} />
      <div class="actions">
        {may('zone.control') && <button class="button" type="button" disabled={busy} data-testid="priority-end" onClick={() => void act(() => priorityApi.end(p), t('prio.ended', { name: p.name }))}>{t('prio.end')}</button>}
      </div>
    </section>
  );
}

export function PriorityPage() {
  useEffect(watchPriorities, []); // the map, which reads them too, is not there beside the desk
  return (
    <>
      <h2>{t('desk.priority')}</h2>
      <Failure of={failed.value} />
      {priorities.value.length === 0 && <p class="muted" data-testid="priority-none">{t('prio.none')}</p>}
      {priorities.value.map((p) => <One key={p.id} of={p} />)}
      {may('zone.control') && <><h2>{t('prio.new')}</h2><Announce key={String(placeAt.value)} /></>}
    </>
  );
}
