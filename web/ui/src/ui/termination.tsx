// The end of a flight, in the card of an aircraft: a controller proposes it, another one
// confirms it within a minute. Nothing of it is shown where it is switched off.

import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { terminations, type Prospect, type Termination } from '../api/terminations';
import { code, formatNumber, t } from '../i18n/later';
import { announce } from '../state/announce';
import { now } from '../units';
import { Failure, useAct } from './account-bits';
import { Row } from './bits';
import { HoldButton } from './hold-button';
import type { Me } from './order-offer';
import { onceFor } from './register-input';
import { useRead } from './use-read';

const secondsLeft = (p: Termination): number => Math.max(0, Math.ceil((Date.parse(p.expires_at) - now()) / 1_000));

/** What would come of it: what is not known says so. */
function What({ of: p }: { of: Prospect }) {
  return (
    <>
      <dl class="facts" data-testid="end-prospect">
        <Row label={t('end.height')}>{p.height_m === null ? t('unknown') : t('end.height.value', { m: formatNumber(p.height_m, 0), datum: code('end.datum', p.datum) })}</Row>
        <Row label={t('end.speed')}>{formatNumber(p.speed_mps, 1)} m/s</Row>
        <Row label={t('end.fall')}>{p.fall_s === null ? t('unknown') : `${formatNumber(p.fall_s, 1)} s`}</Row>
        <Row label={t('end.reach')}>{p.reach_m === null ? t('unknown') : t('end.reach.value', { m: formatNumber(p.reach_m, 0), course: formatNumber(p.course_deg, 0) })}</Row>
        <Row label={t('end.over')}>{p.over?.length ? p.over.join(', ') : t('end.over.none')}</Row>
        <Row label={t('end.holder')}>{p.holder || t('lease.nobody')}</Row>
      </dl>
      <p class="note"><strong>{t('end.below')}</strong></p>
      {p.doubts?.map((d) => <p key={d} class="note" lang="en">{d}</p>)}
    </>
  );
}

/** A modal that ends with Escape, and with what it is about. */
function Dialog({ title, close, children }: { title: string; close: () => void; children: preact.ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const gone = useRef(false); // its close event comes later, when another one may be open
  const name = useId();
  useLayoutEffect(() => {
    const modal = dialog.current!;
    const opener = document.activeElement;
    modal.showModal();
    return () => {
      gone.current = true;
      modal.close(); // before the focus goes to what it made inert
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="help end-dialog" aria-labelledby={name} onClose={() => gone.current || close()} data-testid="end-dialog"
      onKeyDown={(e) => { // the keys of the page are not meant here
        e.stopPropagation();
        if (e.key === 'Escape') close();
      }}>
      <header><h2 id={name}>{title}</h2></header>
      <div class="help-body">
        <section>
          <p><strong>{t('end.what')}</strong></p>
          {children}
          <button class="button" type="button" onClick={close}>{t('end.cancel')}</button>
        </section>
      </div>
    </dialog>
  );
}

function Propose({ id, me, now: p, close }: { id: string; me: Me; now: Prospect | null; close: () => void }) {
  const { busy, failure, act } = useAct();
  const [name, setName] = useState('');
  const [reason, setReason] = useState('');
  const [takes, setTakes] = useState(false);
  const once = useRef(onceFor());
  const send = async () => {
    const body = { vehicle: name.trim(), reason: reason.trim(), ...(takes && { take_over: true }) };
    if (await act(() => terminations.propose(id, body, once.current(body)), t('end.proposed'))) close();
  };
  return (
    <Dialog title={t('end.of', { vehicle: id })} close={close}>
      {p ? <What of={p} /> : <p class="note">{t('end.cannot')}</p>}
      <form onSubmit={(e) => { e.preventDefault(); void send(); }}>
        {p?.holder && p.holder !== me.person && (
          <label class="check"><input type="checkbox" name="take_over" checked={takes} onChange={(e) => setTakes(e.currentTarget.checked)} />{t('end.takeOver', { person: p.holder })}</label>
        )}
        <label class="field"><span>{t('end.reason')}</span><input type="text" name="end_reason" required maxLength={500} value={reason} onInput={(e) => setReason(e.currentTarget.value)} /></label>
        <label class="field"><span>{t('end.type', { vehicle: id })}</span><input type="text" name="end_vehicle" required autocomplete="off" value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
        <Failure of={failure} />
        <button class="button danger" type="submit" disabled={busy || name.trim() !== id || !reason.trim()} data-testid="end-propose">{t('end.propose')}</button>
      </form>
    </Dialog>
  );
}

function Confirm({ of: p, now: prospect, close }: { of: Termination; now: Prospect | null; close: () => void }) {
  const { failure, act } = useAct();
  const [name, setName] = useState('');
  const once = useRef(onceFor());
  const hint = useId();
  const typed = name.trim() === p.vehicle_id;
  const left = secondsLeft(p);
  return (
    <Dialog title={t('end.of', { vehicle: p.vehicle_id })} close={close}>
      <p>{t('end.others', { person: p.proposed_by, reason: p.reason, seconds: left })}</p>
      {prospect ? <What of={prospect} /> : <p class="note">{t('end.cannot')}</p>}
      <label class="field"><span>{t('end.type', { vehicle: p.vehicle_id })}</span><input type="text" name="end_vehicle" autocomplete="off" value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
      <Failure of={failure} />
      {typed && left > 0 && (
        <HoldButton
          name="end-confirm" label={t('end.confirm')} hint={hint} strong
          begun={() => act(() => terminations.attempt(p, name.trim()))}
          fire={() => void terminations.confirm(p, name.trim(), once.current(p.id)).then(
            () => { announce(t('end.confirmed'), true); close(); },
            (err: unknown) => void act(() => Promise.reject(err as Error)),
          )}
        />
      )}
      <p class="small muted" id={hint}>{t('order.hint')}</p>
    </Dialog>
  );
}

export function EndOfFlight({ id, me }: { id: string; me: Me }) {
  const { value: list } = useRead(id, terminations.of);
  const { busy, failure, act } = useAct();
  const [shown, show] = useState(false);
  const open = list?.items?.find((p) => p.state === 'open' && secondsLeft(p) > 0) ?? null;
  const had = useRef('');
  const panel = useRef<HTMLElement>(null);
  const mine = open?.proposed_by === me.person;
  useLayoutEffect(() => {
    if (!open && !had.current) return;
    had.current = open?.id ?? '';
    if (!open || mine) show(false); // what the dialog was about is over
    if (document.activeElement === document.body) panel.current?.focus(); // the button that had the focus is gone
  }, [open?.id]);
  if (!list?.enabled) return null;
  const close = () => show(false);
  return (
    <section ref={panel} class="order-panel" tabIndex={-1} aria-label={t('end.title')} data-testid="end-panel">
      <h3>{t('end.title')}</h3>
      <Failure of={failure} />
      {open && (
        <div class="note" role="group" data-testid="end-open" data-termination={open.id}>
          <p>{t(mine ? 'end.waits' : 'end.others', { person: open.proposed_by, reason: open.reason, seconds: secondsLeft(open) })}</p>
          <div class="actions">
            {!mine && <button class="button danger" type="button" onClick={() => show(true)} data-testid="end-look">{t('end.confirmOpen')}</button>}
            <button class="button" type="button" disabled={busy} onClick={() => void act(() => terminations.withdraw(open), t('end.withdrawn'))} data-testid="end-withdraw">{t('end.withdraw')}</button>
          </div>
        </div>
      )}
      {!open && (list.now
        ? <button class="button" type="button" onClick={() => show(true)} data-testid="end-begin">{t('end.open')}</button>
        : <p class="small muted" lang="en">{list.why}</p>)}
      {shown && open && !mine && <Confirm of={open} now={list.now} close={close} />}
      {shown && !open && <Propose id={id} me={me} now={list.now} close={close} />}
    </section>
  );
}
