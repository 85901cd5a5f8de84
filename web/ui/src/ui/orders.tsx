// Orders to a vehicle, in its card: who has its control, what may be ordered, and what
// became of the newest orders. Loaded when the first card is shown.

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { orders, type Order, type OrderInput, type VehicleOrders } from '../api/orders';
import type { Track } from '../api/types';
import { code, t } from '../i18n/later';
import { announce } from '../state/announce';
import { colleagueName } from '../state/names';
import { onNotice } from '../state/notices';
import { actor } from '../state/session';
import { useAct } from './account-bits';
import { Time } from './bits';
import { GoToPart } from './goto';
import { HoldButton } from './hold-button';
import { concerns, endable, goesTo, handOf, latencyText, offered, stepsOf, stopOf, withNews, type Me } from './order-offer';
import { Enforced } from './ladder';
import { LeaseRow } from './order-lease';
import { orderProblem } from './order-problem';
import { onceFor } from './register-input';
import { later } from './later';

const EndOfFlight = later(() => import('./termination').then((m) => m.EndOfFlight), 'accounts');

const RETRY_MS = 3_000;
/** What is shown of the orders: what the vehicle is under may be older. */
const SHOWN = 5;
const REPEATS = 3;

/** The orders of a vehicle: read once, and then as the live channel tells of them. */
function useOrders(id: string) {
  const [got, setGot] = useState<VehicleOrders | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const asked = useRef(0);
  const timer = useRef(0);
  const loaded = useRef(false);
  const load = async () => {
    const mine = ++asked.current;
    window.clearTimeout(timer.current);
    try {
      const now = await orders.of(id);
      if (mine !== asked.current) return; // asked before an act, answered after it
      loaded.current = true;
      setGot(now);
      setFailure(null);
    } catch (err) {
      if (mine !== asked.current) return;
      setFailure(err);
      timer.current = window.setTimeout(() => void load(), RETRY_MS);
    }
  };
  useEffect(() => {
    loaded.current = false;
    void load();
    const off = onNotice((m) => {
      if (m.t === 'welcome') return void load();
      if (m.t !== 'orders' || !concerns(id, m.orders, m.leases)) return;
      if (!loaded.current) return void load();
      // An answer that is on its way may be older than this.
      asked.current++;
      setGot((have) => have && withNews(id, have, m.orders, m.leases));
    });
    return () => {
      off();
      asked.current++;
      window.clearTimeout(timer.current);
    };
  }, [id]);
  return { got, failure, load };
}

/** Asked again under the same name when the answer is lost. */
async function give(id: string, o: OrderInput): Promise<Order> {
  const once = onceFor()(o);
  for (let left = REPEATS; ; left--) {
    try {
      return await orders.give(id, o, once);
    } catch (err) {
      if (!(err instanceof ApiError) || err.status !== 0 || left === 0) throw err;
    }
  }
}

function Steps({ of: o }: { of: Order }) {
  return (
    <li data-order={o.id} data-kind={o.kind} data-state={o.state}>
      <div><strong>{code('order', o.kind)}</strong> <span class={`order-state order-${o.state}`}>{code('order.state', o.state)}</span>{o.late && ` · ${t('order.late')}`}</div>
      <ol class="order-steps">
        {stepsOf(o).map((s, i) => (
          <li key={s.state}>{code('order.state', s.state)} {i === 0 ? <Time at={s.at} /> : <span class="mono">+{latencyText(s.afterMs)}</span>}</li>
        ))}
      </ol>
      {o.to && <div class="small mono">{o.to.lat.toFixed(6)}, {o.to.lon.toFixed(6)}{o.to.height && ` · ${o.to.height.m} m ${t(o.to.height.datum === 'amsl' ? 'goto.amsl' : 'goto.takeoff')}`}</div>}
      <div class="small muted">{colleagueName(o.person)}{o.zone && ` · ${t('order.byZone')}`}{o.reason && `: ${o.reason}`}{!o.durable && ` · ${t('order.notDurable')}`}</div>
      {o.why && o.state !== 'superseded' && <div class="small" lang="en">{o.why}</div>}
    </li>
  );
}

function Panel({ track, me }: { track: Track; me: Me }) {
  const { got, failure, load } = useOrders(track.id);
  const { busy, failure: refused, act } = useAct();
  const [failed, fail] = useState<unknown>(null);
  const reason = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const hint = useId();
  const items = got?.items ?? [];
  const newest = items[0];
  const told = useRef('');
  useEffect(() => {
    if (!newest) return;
    const now = `${newest.id} ${newest.state}`;
    const [id] = told.current.split(' ');
    if (now !== told.current && id === newest.id && !newest.open) {
      announce(t('order.became', { order: code('order', newest.kind), state: code('order.state', newest.state) }), newest.state !== 'in_effect');
    }
    told.current = now;
  }, [newest?.id, newest?.state]);

  const stop = stopOf(items);
  const ends = got ? endable(items, got.lease, me) : null;
  const others = !!got?.lease && got.lease.holder !== me.person;
  // No order waits for the answer to the one before.
  const order = async (body: OrderInput) => {
    fail(null);
    try {
      const why = reason.current?.value.trim();
      const o = await give(track.id, { ...body, ...(why && { reason: why }) });
      told.current = `${o.id} asked`;
      announce(t('order.given', { order: code('order', body.kind) }));
      if (reason.current) reason.current.value = '';
      // The button that ends an order goes with it.
      if (body.kind === 'resume') list.current?.focus();
    } catch (err) {
      fail(err);
    }
    void load();
  };
  const attempt = async (body: OrderInput) => {
    fail(null);
    try {
      await orders.attempt(track.id, body);
      return true;
    } catch (err) {
      // The order itself is tried all the same when it is not known whether it will do.
      if (!(err instanceof ApiError) || ![403, 404, 409].includes(err.status)) return true;
      fail(err);
      return false;
    }
  };
  const button = (body: OrderInput) => (
    <HoldButton
      key={body.kind} name={`order-${body.kind}`} label={code('order', body.kind)} hint={hint} strong={body.kind === 'resume'}
      begun={() => attempt(body)}
      fire={() => void order(body)}
    />
  );
  const wrong = failed ?? refused ?? failure;
  const can = offered(track);
  return (
    <>
      <div class="error" role="alert">{wrong ? orderProblem(wrong) : ''}</div>
      {got && <LeaseRow id={track.id} lease={got.lease} me={me} busy={busy} act={(work) => act(work).finally(() => void load())} />}
      {others ? <p class="note">{t('order.others')}</p> : got && (
        <>
          <label class="field"><span>{t('order.reason')}</span><input ref={reason} type="text" maxLength={500} data-testid="order-reason" /></label>
          <div class="actions order-buttons" data-testid="order-buttons">
            {can.map((kind) => button({ kind }))}
            {ends && button({ kind: 'resume', ends: ends.id, ...(ends.person !== me.person && { take_over: true }) })}
          </div>
          {goesTo(track) && <GoToPart track={track} attempt={attempt} give={(o) => void order(o)} />}
          {ends && ends.person !== me.person && <p class="note">{t('order.endsOthers', { order: code('order', ends.kind), person: colleagueName(ends.person) })}</p>}
          {!ends && stop?.state === 'in_effect' && stop.zone && !me.zone && <p class="note">{t('order.zoneHolds', { person: colleagueName(stop.person) })}</p>}
          {can.length === 0 ? <p class="note">{t('order.mismatch')}</p> : <p class="small muted" id={hint}>{t('order.hint')}</p>}
        </>
      )}
      {items.length > 0
        ? <ul class="plain orders" ref={list} tabIndex={-1} aria-label={t('order.newest')} data-testid="orders">{items.slice(0, SHOWN).map((o) => <Steps key={o.id} of={o} />)}</ul>
        : got && <p class="muted">{t('order.none')}</p>}
      {!got && !failure && <p class="muted">{t('card.loading')}</p>}
    </>
  );
}

/** What is done about its breach, and orders for those who may give them to it. */
export function Orders({ track }: { track: Track }) {
  const me = handOf(actor.value, track.operator);
  return (
    <>
      {track.verified && <Enforced track={track} />}
      {me && (
        <section class="order-panel" aria-label={t('order.title')} data-testid="order-panel">
          <h3>{t('order.title')}</h3>
          {track.verified ? <Panel track={track} me={me} /> : <p class="note">{t('order.unverified')}</p>}
        </section>
      )}
      {me?.zone && track.verified && track.class === 'uav' && <EndOfFlight id={track.id} me={me} />}
    </>
  );
}
