// The state of the zone, who complies with it, and who is on duty.

import { useRef, useState } from 'preact/hooks';
import { zoneApi, type Board, type Compliance, type StateName, type ZoneStatus } from '../api/zone';
import { code, t } from '../i18n/later';
import { may } from '../state/accounts';
import { colleagueName } from '../state/names';
import { Failure, Field, Table, useAct } from './account-bits';
import { Time } from './bits';
import { DutyPart } from './zone-duty';
import { later } from './later';
import { useLive } from './use-live';

const BulkPart = later<{ clear: boolean }>(() => import('./zone-bulk').then((m) => m.BulkPart));
const CallsPart = later<{ mayNote: boolean }>(() => import('./zone-calls').then((m) => m.CallsPart));

const STATES: readonly StateName[] = ['open', 'no_new_starts', 'clear', 'closed'];
const HELD: readonly StateName[] = ['clear', 'closed'];
const HOLD_MS = 1_000;

/** Acts when it was held for a second, by pointer or by key. */
function HoldButton({ text, busy, done, id }: { text: string; busy: boolean; done: () => void; id: string }) {
  const timer = useRef(0);
  const [held, hold] = useState(false);
  const stop = () => {
    window.clearTimeout(timer.current);
    hold(false);
  };
  const start = () => {
    stop();
    hold(true);
    timer.current = window.setTimeout(() => {
      hold(false);
      done();
    }, HOLD_MS);
  };
  return (
    <button class="button danger" type="button" disabled={busy} data-testid={id} onPointerUp={stop} onPointerCancel={stop} onBlur={stop}
      onPointerDown={(e) => {
        // Another text may make the button smaller, away from under the pointer.
        e.currentTarget.setPointerCapture(e.pointerId);
        start();
      }}
      onKeyDown={(e) => {
        if ((e.key === 'Enter' || e.key === ' ') && !e.repeat) start();
      }} onKeyUp={stop}>{held ? t('zone.holding') : text}</button>
  );
}

function Setting({ is }: { is: ZoneStatus }) {
  const [reason, setReason] = useState('');
  const { busy, failure, act } = useAct();
  const set = (to: StateName) => void act(() => zoneApi.setState(to, reason, is.rev), t('zone.done', { state: t(`zone.state.${to}`) }));
  const missing = reason.trim() === '';
  return (
    <div class="desk-form" data-testid="zone-set">
      <Field label={t('zone.reason')} hint={t('zone.reasonHint')}>
        <input name="reason" type="text" maxLength={500} value={reason} onInput={(e) => setReason(e.currentTarget.value)} />
      </Field>
      <Failure of={failure} />
      <div class="actions">
        {STATES.filter((s) => s !== is.state).map((s) => (HELD.includes(s)
          ? <HoldButton key={s} id={`zone-${s}`} text={t('zone.hold', { state: t(`zone.state.${s}`) })} busy={busy || missing} done={() => set(s)} />
          : <button key={s} class="button" type="button" disabled={busy || missing} data-testid={`zone-${s}`} onClick={() => set(s)}>{t('zone.set', { state: t(`zone.state.${s}`) })}</button>))}
      </div>
    </div>
  );
}

function Row({ of: c }: { of: Compliance }) {
  return (
    <tr data-complies={c.complies} data-vehicle={c.vehicle.id}>
      <td class="wrap">{c.vehicle.name || c.vehicle.id}<div class="sub">{c.operator}</div></td>
      <td>{code('phase', c.phase)}</td>
      <td class="wrap">{c.complies ? t(`zone.why.${c.why}`) : <strong>{t(`zone.why.${c.why}`)}</strong>}</td>
      <td><Time at={c.since} /></td>
      <td class="wrap">{c.contact ? <>{c.contact.name}<div class="sub mono">{c.contact.phone}</div></> : '–'}</td>
    </tr>
  );
}

function Complying({ board }: { board: Board }) {
  if (board.state === 'open') return <p class="muted">{t('zone.free')}</p>;
  return (
    <>
      <p class={board.against ? 'note' : 'muted'} role="status" data-testid="zone-against">{t('zone.against', { against: board.against, vehicles: board.vehicles })}</p>
      <Table label={t('zone.board')} heads={[t('zone.vehicle'), t('zone.phase'), t('zone.complies'), t('zone.since'), t('zone.call')]}>
        {(board.items ?? []).map((c) => <Row key={c.vehicle.id} of={c} />)}
      </Table>
    </>
  );
}

export function ZonePage() {
  const state = useLive(zoneApi.state, 'zone');
  const board = useLive(zoneApi.board, 'compliance', 'zone');
  const is = state.value;
  return (
    <>
      <h2>{t('zone.state')}</h2>
      <Failure of={state.error ?? board.error} />
      {is && (
        <div data-testid="zone-state" data-state={is.state}>
          <p><strong>{t(`zone.state.${is.state}`)}</strong> {is.reason}</p>
          {is.since && <p class="muted">{t('zone.since')} <Time at={is.since} date /> · {t('zone.by')} {colleagueName(is.by)}</p>}
          {is.provisional && <p class="note">{t('zone.provisional')} {is.refused}</p>}
        </div>
      )}
      {is && may('zone.control') && <Setting is={is} />}
      <h2>{t('zone.board')}</h2>
      {board.value && <Complying board={board.value} />}
      <CallsPart mayNote={may('vehicle.command')} />
      {is && may('vehicle.command') && <BulkPart key={is.state} clear={is.state === 'clear'} />}
      <DutyPart />
    </>
  );
}
