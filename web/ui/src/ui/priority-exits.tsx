// Who is in the way of priority traffic, the way out of each, and the orders: of one or
// of all, held. Who is offered another way out meanwhile is not ordered; whom somebody
// else controls only after one more press.

import { useEffect, useId, useState } from 'preact/hooks';
import { priorityApi, type Affected, type ExitOrder, type ExitsInput, type PriorityTraffic } from '../api/priority';
import { code, plural, t } from '../i18n/later';
import { may } from '../state/accounts';
import { announce } from '../state/announce';
import { onNotice } from '../state/notices';
import { Failure, Table, useAct } from './account-bits';
import { HoldButton } from './hold-button';
import { exitText } from './priority-text';

const asked = (of: readonly Affected[], takeOver = false): ExitsInput => ({
  vehicles: of.map((a) => a.vehicle.id), seen: Object.fromEntries(of.map((a) => [a.vehicle.id, a.exit.id])), ...(takeOver && { take_over: true }),
});

/** Not a car to another place: nobody knows the lanes between. */
const canOrder = (a: Affected) => a.exit.kind === 'hold' || (a.exit.kind !== 'none' && a.vehicle.class !== 'icv');

const nameOf = (a: Affected) => a.vehicle.name || a.vehicle.id;

/** The newest orders of this page, as the live channel tells of them. */
function useOrdered() {
  const [given, show] = useState<readonly ExitOrder[]>([]);
  useEffect(() => onNotice((m) => {
    if (m.t !== 'orders') return;
    show((all) => all.map((g) => {
      const now = m.orders.find((o) => o.id && o.id === g.order?.id);
      return now ? { ...g, order: now } : g;
    }));
  }), []);
  /** One answer for each vehicle: the newest. */
  const add = (items: readonly ExitOrder[]) => show((all) => [...items, ...all.filter((g) => items.every((i) => i.vehicle_id !== g.vehicle_id))]);
  return { given, add };
}

function Given({ of: g, name }: { of: ExitOrder; name: string }) {
  const o = g.order;
  const step = o?.kind === 'reposition' && o.state === 'accepted' && o.under_way_at ? 'under_way' : o?.state;
  return (
    <li data-vehicle={g.vehicle_id} data-state={step ?? g.code}>
      <strong>{name}</strong> {o ? t('prio.ordered', { order: code('order', o.kind), state: code('order.state', step!) }) : <span lang="en">{g.why}</span>}
      {o?.why && <span class="small" lang="en"> {o.why}</span>}
    </li>
  );
}

export function Exits({ of: p, affected }: { of: PriorityTraffic; affected: readonly Affected[] }) {
  const { given, add } = useOrdered();
  const { failure, act } = useAct();
  const hint = useId();
  const mayOrder = may('vehicle.command');
  const names = new Map(affected.map((a) => [a.vehicle.id, nameOf(a)]));
  const able = affected.filter(canOrder);
  const leased = affected.filter((a) => given.some((g) => g.vehicle_id === a.vehicle.id && g.code === 'leased'));
  const fire = (of: readonly Affected[], takeOver = false) => void act(async () => {
    const items = (await priorityApi.order(p.id, asked(of, takeOver))).items ?? [];
    add(items);
    announce(plural('prio.given', items.filter((i) => i.order).length));
  });
  /** Whether any of them can be ordered; why not is shown. */
  const begun = async (of: readonly Affected[], takeOver = false) => {
    try {
      const items = (await priorityApi.attempt(p.id, asked(of, takeOver))).items ?? [];
      if (items.some((i) => i.order)) return true;
      add(items);
      return false;
    } catch {
      return true; // the order itself says what is wrong
    }
  };
  return (
    <>
      {affected.length > 0 && (
        <Table label={t('prio.affected', { name: p.name })} heads={[t('zone.vehicle'), t('prio.how'), t('prio.exit'), t('zone.call')]}>
          {affected.map((a) => (
            <tr key={a.vehicle.id} data-vehicle={a.vehicle.id} data-how={a.how} data-exit={a.exit.kind}>
              <td class="wrap">{nameOf(a)}<div class="sub">{a.operator}</div></td>
              <td class="wrap"><strong>{t(`prio.how.${a.how}`)}</strong>{a.how !== 'inside' && <div class="sub">{t('prio.inS', { s: Math.round(a.in_s) })}</div>}
                {a.height_unknown && <div class="sub">{t('prio.heightUnknown')}</div>}</td>
              <td class="wrap">
                {exitText(a)}{a.exit.kind !== 'none' && !a.exit.in_time && <div class="sub">{t('prio.late')}</div>}
                {a.exit.kind !== 'none' && !canOrder(a) && <div class="sub">{t('prio.driver')}</div>}
                {mayOrder && canOrder(a) && (
                  <div><HoldButton name="priority-order" label={t('prio.order')} what={t('prio.orderOf', { id: nameOf(a) })} hint={hint} begun={() => begun([a])} fire={() => fire([a])} /></div>
                )}
              </td>
              <td class="wrap">{a.call && <p class="note" lang="en">{a.call}</p>}{a.contact && <>{a.contact.name}<div class="mono"><a href={`tel:${a.contact.phone.replace(/[^+0-9]/g, '')}`}>{a.contact.phone}</a></div></>}</td>
            </tr>
          ))}
        </Table>
      )}
      <Failure of={failure} />
      {mayOrder && able.length > 0 && (
        <>
          <div class="actions">
            <HoldButton name="priority-order-all" label={t('prio.orderAll', { n: able.length })} strong hint={hint} begun={() => begun(able)} fire={() => fire(able)} />
          </div>
          <p class="small muted" id={hint}>{t('order.hint')}</p>
        </>
      )}
      {leased.length > 0 && (
        <div data-testid="priority-leased">
          <p class="note">{t('prio.leased', { n: leased.length })}</p>
          <div class="actions">
            <HoldButton name="priority-take-over" label={t('prio.takeOver', { n: leased.length })} strong hint={hint} begun={() => begun(leased, true)} fire={() => fire(leased, true)} />
          </div>
        </div>
      )}
      {given.length > 0 && (
        <ul class="plain" aria-label={t('prio.orders')} data-testid="priority-orders">
          {given.map((g) => <Given key={g.vehicle_id} of={g} name={names.get(g.vehicle_id) ?? g.vehicle_id} />)}
        </ul>
      )}
    </>
  );
}
