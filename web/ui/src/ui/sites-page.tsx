// Sites: where they are, when they are free, book them, and what was booked.

import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { sitesApi, type Availability, type Booking, type BookingInput, type Site, type Slot } from '../api/sites';
import { zoneLocal } from '../fence/schedule';
import { code, t } from '../i18n/later';
import { may, organisationName, takeShown } from '../state/accounts';
import { serverTime, zoneClock, zoneTz } from '../state/clock';
import { actor } from '../state/session';
import type { UnixMs } from '../units';
import { Failure, Field, Table, useAct } from './account-bits';
import { bookingOf, HOUR_MS, midnights, type BookingForm } from './site-booking';
import { Calendar } from './site-calendar';
import { SitePlan } from './site-plan';

const REFRESH_MS = 10_000;
const iso = (at: number) => new Date(at).toISOString();
const when = (s: Slot) => `${zoneClock(Date.parse(s.from) as UnixMs, true)} – ${zoneClock(Date.parse(s.to) as UnixMs, true)}`;
const nowMs = (): number => serverTime() ?? Date.now();
const mayBook = () => may('permit.apply') || may('zone.control');

function Book({ site, form: f, set, done }: { site: Site; form: BookingForm; set: (f: BookingForm) => void; done: () => void }) {
  const [fits, setFits] = useState(false);
  const [free, setFree] = useState<readonly Slot[]>([]);
  const { busy, failure, act } = useAct();
  const input = bookingOf(f, site.id, zoneTz.value);
  const change = (part: Partial<BookingForm>) => {
    setFits(false);
    setFree([]);
    set({ ...f, ...part });
  };
  const send = async (b: BookingInput, dry: boolean) => {
    setFree([]);
    await act(async () => {
      try {
        await (dry ? sitesApi.tryBooking(b) : sitesApi.book(b));
      } catch (err) {
        if (err instanceof ApiError && err.code === 'site_taken') {
          const length = (Date.parse(b.to) - Date.parse(b.from)) / 1000;
          setFree((await sitesApi.availability(site.id, { from: b.from, length_s: length, units: b.units ?? 1, exclusive: b.exclusive ?? false })).free ?? []);
        }
        throw err;
      }
      setFits(dry);
    }, dry ? t('book.fits') : t('book.done'));
    done();
  };
  const text = (key: 'hours' | 'units' | 'weeks' | 'purpose', label: string, hint?: string) => (
    <Field label={label} {...(hint ? { hint } : {})}>
      <input name={key} type="text" inputMode={key === 'purpose' ? 'text' : 'decimal'} maxLength={500} value={f[key]} data-testid={`book-${key}`} onInput={(e) => change({ [key]: e.currentTarget.value })} />
    </Field>
  );
  return (
    <form class="desk-form" noValidate data-testid="book-form" onSubmit={(e) => {
      e.preventDefault();
      if (input) void send(input, false);
    }}>
      <h3>{t('book.new', { site: site.name })}</h3>
      <Field label={t('book.from', { tz: zoneTz.value })}>
        <input name="from" type="datetime-local" value={f.from} data-testid="book-from" onInput={(e) => change({ from: e.currentTarget.value })} />
      </Field>
      <div class="field-row">{text('hours', t('book.hours'))}{text('units', t('book.units'))}{text('weeks', t('book.weeks'))}</div>
      <label class="check"><input type="checkbox" checked={f.exclusive} onChange={(e) => change({ exclusive: e.currentTarget.checked })} />{t('book.exclusive')}</label>
      {text('purpose', t('book.purpose'), t('book.purposeHint'))}
      <Failure of={failure} />
      {free.length > 0 && (
        <div role="group" aria-label={t('book.instead')} class="desk-bar" data-testid="book-free">
          <span>{t('book.instead')}</span>
          {free.slice(0, 3).map((s) => (
            <button key={s.from} class="button" type="button" onClick={() => change({ from: zoneLocal(Date.parse(s.from), zoneTz.value) })}>{when(s)}</button>
          ))}
        </div>
      )}
      <p role="status" class="muted" data-testid="book-fits">{fits ? t('book.fits') : ''}</p>
      <div class="actions">
        <button class="button" type="button" disabled={busy || !input} data-testid="book-try" onClick={() => input && void send(input, true)}>{t('book.try')}</button>
        <button class="button primary" type="submit" disabled={busy || !input} data-testid="book-book">{t('book.book')}</button>
      </div>
    </form>
  );
}

function BookingRow({ of: b, site, done }: { of: Booking; site: Site; done: () => void }) {
  const { busy, failure, act } = useAct();
  const does = (work: () => Promise<unknown>, said: string) => () => void act(work, said).then(done);
  const own = may('zone.control') || b.organisation_id === actor.value?.organisation;
  const owner = may('zone.control') || (site.owner !== '' && site.owner === actor.value?.organisation);
  return (
    <tr data-booking={b.id} data-state={b.state}>
      <td class="wrap">{when(b)}</td>
      <td class="wrap">{b.organisation_id ? organisationName(b.organisation_id) : t('site.authority')}<div class="sub">{b.purpose}</div></td>
      <td class="wrap">{code('book.state', b.state)}<div class="sub">{b.reason}</div></td>
      <td>
        <Failure of={failure} />
        {!b.over && (
          <div class="actions">
            {b.state === 'requested' && owner && <button class="button primary" type="button" disabled={busy} onClick={does(() => sitesApi.decide(b, true, ''), t('book.state.confirmed'))}>{t('book.approve')}</button>}
            {b.state === 'requested' && owner && <button class="button" type="button" disabled={busy} onClick={does(() => sitesApi.decide(b, false, t('book.refuseWhy')), t('book.state.refused'))}>{t('book.refuse')}</button>}
            {b.state === 'confirmed' && own && mayBook() && <button class="button" type="button" disabled={busy} onClick={does(() => sitesApi.arrive(b), t('book.state.in_use'))}>{t('book.arrive')}</button>}
            {own && mayBook() && <button class="button" type="button" disabled={busy} data-testid="book-cancel" onClick={does(() => sitesApi.cancel(b), t('book.state.cancelled'))}>{t('book.cancel')}</button>}
          </div>
        )}
      </td>
    </tr>
  );
}

function OneSite({ of: site, at }: { of: Site; at?: number | undefined }) {
  const [date, setDate] = useState(() => zoneLocal(at ?? nowMs(), zoneTz.value).slice(0, 10));
  const [shown, setShown] = useState<{ when: Availability; bookings: Booking[] } | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [turn, again] = useState(0);
  const [form, setForm] = useState<BookingForm>(() => ({ from: zoneLocal(Math.ceil(nowMs() / HOUR_MS) * HOUR_MS + HOUR_MS, zoneTz.value), hours: '1', units: '1', exclusive: false, weeks: '1', purpose: '' }));
  useEffect(() => {
    let stopped = false;
    const read = async () => {
      const days = midnights(date, zoneTz.value);
      const [from, to] = [iso(days[0]!), iso(days.at(-1)!)];
      try {
        const [a, bookings] = await Promise.all([sitesApi.availability(site.id, { from, to }), sitesApi.bookings(site.id, from, to)]);
        if (!stopped) setShown({ when: a, bookings });
        if (!stopped) setFailed(null);
      } catch (err) {
        if (!stopped) setFailed(err);
      }
    };
    void read();
    const timer = window.setInterval(() => void read(), REFRESH_MS);
    return () => {
      stopped = true;
      window.clearInterval(timer);
    };
  }, [site.id, date, turn]);
  const week = (by: number) => setDate(new Date(Date.parse(`${date}T00:00Z`) + by * 7 * 24 * HOUR_MS).toISOString().slice(0, 10));
  const reload = () => again((n) => n + 1);
  const own = (shown?.bookings ?? []).filter((b) => b.organisation_id === actor.value?.organisation);
  return (
    <>
      <p class="muted">
        {code('site.kind', site.kind)} · {t('site.owner', { org: site.owner ? organisationName(site.owner) : t('site.authority') })} · {t('site.units', { n: site.capacity })} · {t('site.booked', { day: Math.round(site.booked_day * 100), week: Math.round(site.booked_week * 100) })}
        {site.approval && <> · {t('site.approval')}</>}
      </p>
      <div class="desk-bar">
        <button class="button" type="button" onClick={() => week(-1)}>{t('site.before')}</button>
        <label class="field"><span>{t('site.week')}</span><input type="date" value={date} onChange={(e) => e.currentTarget.value && setDate(e.currentTarget.value)} /></label>
        <button class="button" type="button" data-testid="week-after" onClick={() => week(1)}>{t('site.after')}</button>
      </div>
      <Failure of={failed} />
      {shown && <Calendar site={site} date={date} when={shown.when} own={own} take={(from) => setForm({ ...form, from: zoneLocal(from, zoneTz.value) })} />}
      <p class="muted small">{t('site.calendarHint')}</p>
      {mayBook() && <Book site={site} form={form} set={setForm} done={reload} />}
      <h3>{t('book.list')}</h3>
      {shown && shown.bookings.length === 0 && <p class="empty">{t('book.none')}</p>}
      {shown && shown.bookings.length > 0 && (
        <Table label={t('book.list')} heads={[t('book.when'), t('book.who'), t('book.state'), t('acc.acts')]}>
          {shown.bookings.map((b) => <BookingRow key={b.id} of={b} site={site} done={reload} />)}
        </Table>
      )}
    </>
  );
}

export function SitesPage() {
  const [sites, setSites] = useState<readonly Site[] | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [id, choose] = useState('');
  const [booked, setBooked] = useState<Booking | null>(null);
  useEffect(() => {
    const wanted = takeShown('booking');
    const load = async () => {
      const b = wanted ? await sitesApi.booking(wanted).catch((err: unknown) => void setFailed(err)) : null;
      const all = await sitesApi.sites();
      if (b) {
        setBooked(b);
        choose(b.site_id);
      }
      setSites(all);
    };
    void load().catch(setFailed);
  }, []);
  const chosen = sites?.find((s) => s.id === id) ?? sites?.[0];
  return (
    <>
      <h2>{t('desk.sites')}</h2>
      <Failure of={failed} />
      {sites?.length === 0 && <p class="empty">{t('site.none')}</p>}
      {sites && chosen && (
        <>
          <label class="field"><span>{t('site.which')}</span>
            <select value={chosen.id} data-testid="site-which" onChange={(e) => choose(e.currentTarget.value)}>
              {sites.map((s) => <option key={s.id} value={s.id}>{s.name}</option>)}
            </select>
          </label>
          <SitePlan sites={sites} chosen={chosen.id} choose={choose} />
          <OneSite key={chosen.id} of={chosen} at={booked?.site_id === chosen.id ? Date.parse(booked.from) : undefined} />
        </>
      )}
    </>
  );
}
