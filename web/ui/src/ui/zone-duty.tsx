// Who is on duty: sign on, sign off, hand over with a briefing.

import { useRef } from 'preact/hooks';
import { zoneApi, type Duty, type DutyBoard } from '../api/zone';
import { t } from '../i18n/later';
import { may } from '../state/accounts';
import { actor } from '../state/session';
import { Choices, Failure, Field, useAct } from './account-bits';
import { Time } from './bits';
import { useLive } from './use-live';

const me = (): string => actor.value?.person || actor.value?.id || '';

function sectorsOf(d: Duty, board: DutyBoard): string {
  const names = (d.sectors ?? []).map((id) => board.sectors?.find((s) => s.id === id)?.name ?? id);
  return names.length ? names.join(', ') : t('duty.whole');
}

/** One's own duty: to hand over and to end. */
function Own({ of: d, board, act, busy }: { of: Duty; board: DutyBoard; act: (work: () => Promise<unknown>) => void; busy: boolean }) {
  const to = useRef<HTMLSelectElement>(null);
  const others = (board.controllers ?? []).filter((c) => c.id !== d.person);
  return (
    <>
      {d.offer && <p class="note">{t('duty.offered', { to: others.find((c) => c.id === d.offer!.to)?.name || d.offer.to })}</p>}
      {others.length > 0 && !d.offer && (
        <Field label={t('duty.to')}>
          <select ref={to} data-testid="duty-to">{others.map((c) => <option key={c.id} value={c.id}>{c.name || c.id}</option>)}</select>
        </Field>
      )}
      <div class="actions">
        {d.offer
          ? <button class="button" type="button" disabled={busy} onClick={() => act(() => zoneApi.withdraw(d.id))}>{t('duty.withdraw')}</button>
          : others.length > 0 && <button class="button" type="button" disabled={busy} data-testid="duty-offer" onClick={() => act(() => zoneApi.offer(d.id, to.current!.value))}>{t('duty.offer')}</button>}
        <button class="button" type="button" disabled={busy} data-testid="duty-off" onClick={() => act(() => zoneApi.signOff(d.id))}>{t('duty.signOff')}</button>
      </div>
    </>
  );
}

/** A duty that is offered to this person. */
function Offered({ of: d, act, busy }: { of: Duty; act: (work: () => Promise<unknown>) => void; busy: boolean }) {
  const offer = d.offer!;
  return (
    <section class="desk-form" aria-label={t('duty.briefing')} data-testid="briefing">
      <h3>{t('duty.briefing')}: {d.name || d.person}</h3>
      <ul>{(offer.briefing ?? []).map((item, i) => <li key={i} data-kind={item.kind}>{item.text}</li>)}</ul>
      <div class="actions">
        <button class="button primary" type="button" disabled={busy} data-testid="duty-take" onClick={() => act(() => zoneApi.take(d.id, offer.digest))}>{t('duty.take')}</button>
      </div>
    </section>
  );
}

export function DutyPart() {
  const form = useRef<HTMLFormElement>(null);
  const { value: board, error } = useLive(zoneApi.duty, 'duty');
  const { busy, failure, act: run } = useAct();
  const act = (work: () => Promise<unknown>) => void run(work, t('duty.done'));
  if (!board) return <Failure of={error} />;
  const items = board.items ?? [];
  const own = items.find((d) => d.person === me());
  const sectors = board.sectors ?? [];
  const uncovered = (board.uncovered ?? []).filter((s) => s.id);
  const signOn = (e: Event) => {
    e.preventDefault();
    act(() => zoneApi.signOn(new FormData(form.current!).getAll('sector').map(String)));
  };
  return (
    <>
      <h2>{t('duty.title')}</h2>
      {!items.some((d) => d.present) && <p class="note">{t('duty.none')}</p>}
      {uncovered.length > 0 && <p class="note">{t('duty.uncovered', { sectors: uncovered.map((s) => s.name).join(', ') })}</p>}
      <ul data-testid="duty">
        {items.map((d) => (
          <li key={d.id} data-duty={d.person}>
            {d.name || d.person} · {sectorsOf(d, board)} · {t('zone.since')} <Time at={d.since} date /> {!d.present && <strong>{t('duty.absent')}</strong>}
          </li>
        ))}
      </ul>
      <Failure of={failure} />
      {may('zone.control') && (
        <>
          {items.filter((d) => d.offer?.to === me()).map((d) => <Offered key={d.id} of={d} act={act} busy={busy} />)}
          <form class="desk-form" ref={form} onSubmit={signOn}>
            {sectors.length > 0 && <Choices name="sector" label={t('duty.sectors')} all={sectors.map((s) => s.id)} taken={own?.sectors ?? []} text={(id) => sectors.find((s) => s.id === id)?.name ?? id} />}
            <div class="actions"><button class="button primary" type="submit" disabled={busy} data-testid="duty-on">{t(own ? 'duty.confirm' : 'duty.signOn')}</button></div>
          </form>
          {own && <div class="desk-form"><Own of={own} board={board} act={act} busy={busy} /></div>}
        </>
      )}
    </>
  );
}
