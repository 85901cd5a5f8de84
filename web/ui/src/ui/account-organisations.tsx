// Organisations: the list, a new one, the change of one, the clock of one's own sandbox.

import { useRef, useState } from 'preact/hooks';
import { accounts, type Organisation, type OrganisationInput } from '../api/accounts';
import { formatNumber, t } from '../i18n/later';
import { admin, focusTab, may, organisations } from '../state/accounts';
import { serverTime } from '../state/clock';
import { actor } from '../state/session';
import { Failure, Field, Heading, Listed, Table, texts, useAct } from './account-bits';

const KINDS = ['operator', 'department', 'authority', 'sandbox'] as const;
const HOUR_S = 3600;

/** Whether its people who rehearse may move its clock; the server holds the rule. */
const moves = (o: Organisation): boolean =>
  o.kind === 'sandbox' && o.id === actor.value?.organisation && (may('permit.apply') || may('permit.review'));

function Ahead({ of }: { of: Organisation }) {
  return (
    <Field label={t('org.ahead')} hint={t('org.aheadHint')}>
      <input name="ahead" type="number" step="any" min={of.clock_ahead_s / HOUR_S} max={87_600} defaultValue={String(of.clock_ahead_s / HOUR_S)} />
    </Field>
  );
}

function MoveClock({ of, close }: { of: Organisation; close: () => void }) {
  const form = useRef<HTMLFormElement>(null);
  const { busy, failure, act } = useAct();
  const submit = async (e: Event) => {
    e.preventDefault();
    const ahead = Number(texts(new FormData(form.current!), 'ahead')) * HOUR_S * 1000;
    const done = await act(() => accounts.moveClock(of, new Date((serverTime() ?? Date.now()) + ahead).toISOString()), t('acc.saved'));
    void organisations.load();
    if (done) close();
  };
  return (
    <form class="desk-form" ref={form} onSubmit={submit} data-testid="clock-form">
      <Heading>{of.name}</Heading>
      <p class="note">{t('org.clockLead')}</p>
      <Ahead of={of} />
      <Failure of={failure} />
      <div class="actions">
        <button class="button primary" type="submit" disabled={busy} data-testid="save">{t('org.moveClock')}</button>
        <button class="button" type="button" onClick={close}>{t('cancel')}</button>
      </div>
    </form>
  );
}

/** of: null for a new one. */
function Edit({ of, close }: { of: Organisation | null; close: () => void }) {
  const form = useRef<HTMLFormElement>(null);
  const { busy, failure, act } = useAct();
  const submit = async (e: Event) => {
    e.preventDefault();
    const given = new FormData(form.current!);
    const name = texts(given, 'name');
    const done = await act(async () => {
      if (!of) await accounts.createOrganisation({ id: texts(given, 'id'), kind: texts(given, 'kind') as OrganisationInput['kind'], name });
      else {
        const ahead = of.kind === 'sandbox' ? Math.round(Number(texts(given, 'ahead')) * HOUR_S) : of.clock_ahead_s;
        await accounts.replaceOrganisation(of, { name, disabled: given.has('disabled'), clock_ahead_s: ahead });
      }
    }, t('acc.saved'));
    void organisations.load();
    if (done) close();
  };
  return (
    <form class="desk-form" ref={form} onSubmit={submit} data-testid="organisation-form">
      <Heading>{of ? of.name : t('org.new')}</Heading>
      {of
        ? <p class="muted"><span class="mono">{of.id}</span> · {t(`org.kind.${of.kind}`)}</p>
        : (
          <>
            <Field label={t('acc.id')} hint={t('org.idHint')}><input name="id" type="text" required maxLength={40} pattern="[a-z0-9\-]+" spellcheck={false} /></Field>
            <Field label={t('org.kind')} hint={t('org.kindHint')}>
              <select name="kind">{KINDS.map((k) => <option key={k} value={k}>{t(`org.kind.${k}`)}</option>)}</select>
            </Field>
          </>
        )}
      <Field label={t('acc.name')}><input name="name" type="text" required maxLength={120} defaultValue={of?.name ?? ''} /></Field>
      {of?.kind === 'sandbox' && <Ahead of={of} />}
      {of && <label class="check"><input type="checkbox" name="disabled" defaultChecked={of.disabled} />{t('org.disable')}</label>}
      <Failure of={failure} />
      <div class="actions">
        <button class="button primary" type="submit" disabled={busy} data-testid="save">{t(of ? 'acc.save' : 'acc.create')}</button>
        <button class="button" type="button" onClick={close}>{t('cancel')}</button>
      </div>
    </form>
  );
}

export function OrganisationsPage() {
  const [edited, edit] = useState<Organisation | null | undefined>(undefined);
  const close = () => {
    edit(undefined);
    focusTab();
  };
  if (edited && !admin.value) return <MoveClock of={edited} close={close} />;
  if (edited !== undefined) return <Edit of={edited} close={close} />;
  const acts = admin.value || (organisations.items.value?.some(moves) ?? false);
  return (
    <>
      {admin.value && <div class="desk-bar"><button class="button primary" type="button" data-testid="organisation-new" onClick={() => edit(null)}>{t('org.new')}</button></div>}
      <Listed of={organisations}>
        {(items) => items.length === 0 ? <p class="empty">{t('org.none')}</p> : (
          <Table label={t('desk.organisations')} heads={[t('acc.name'), t('org.kind'), t('acc.state'), ...(acts ? [t('acc.acts')] : [])]}>
            {items.map((o) => (
              <tr key={o.id} class={o.disabled ? 'is-off' : ''} data-organisation={o.id}>
                <td class="wrap">{o.name}<div class="sub mono">{o.id}</div></td>
                <td>{t(`org.kind.${o.kind}`)}</td>
                <td>
                  {t(o.disabled ? 'acc.disabled' : 'acc.active')}
                  {o.clock_ahead_s > 0 && <div class="sub">{t('org.clockAhead', { hours: formatNumber(o.clock_ahead_s / HOUR_S, 1) })}</div>}
                </td>
                {acts && (
                  <td>
                    {admin.value && <button class="button" type="button" aria-label={t('acc.editWhat', { what: o.name })} onClick={() => edit(o)}>{t('acc.edit')}</button>}
                    {!admin.value && moves(o) && <button class="button" type="button" data-testid="clock-move" onClick={() => edit(o)}>{t('org.moveClock')}</button>}
                  </td>
                )}
              </tr>
            ))}
          </Table>
        )}
      </Listed>
    </>
  );
}
