// Acts of two persons: one proposes, another confirms within a day.

import { useRef, useState } from 'preact/hooks';
import { accounts, type Proposal, type ProposalInput } from '../api/accounts';
import { t } from '../i18n/later';
import { admin, focusTab, people, personName, proposals, toPropose } from '../state/accounts';
import { actor } from '../state/session';
import { Failure, Field, Heading, Listed, Table, texts, useAct } from './account-bits';
import { Time } from './bits';

const ACTS = ['person.erase', 'administrator.remove', 'administrator.appoint'] as const satisfies readonly ProposalInput['act'][];

function Propose({ close }: { close: () => void }) {
  const form = useRef<HTMLFormElement>(null);
  const given = toPropose.value;
  const [chosen, choose] = useState<ProposalInput['act']>(given?.act ?? 'person.erase');
  const { busy, failure, act } = useAct();
  const leave = () => {
    toPropose.value = null;
    close();
    focusTab();
  };
  const submit = async (e: Event) => {
    e.preventDefault();
    const f = new FormData(form.current!);
    const done = await act(() => accounts.propose({ act: chosen, subject: texts(f, 'subject'), reason: texts(f, 'reason') }), t('acc.saved'));
    void proposals.load();
    if (done) leave();
  };
  const subjects = (people.items.value ?? []).filter((p) => !p.erased);
  return (
    <form class="desk-form" ref={form} onSubmit={submit} data-testid="proposal-form">
      <Heading>{t('proposal.new')}</Heading>
      <Field label={t('proposal.act')} hint={t(`proposal.about.${chosen}`)}>
        <select name="act" value={chosen} onChange={(e) => choose(e.currentTarget.value as ProposalInput['act'])}>
          {ACTS.map((a) => <option key={a} value={a}>{t(`proposal.act.${a}`)}</option>)}
        </select>
      </Field>
      <Field label={t('proposal.subject')}>
        <select name="subject" defaultValue={given?.subject ?? ''} required>
          {subjects.map((p) => <option key={p.id} value={p.id} selected={p.id === given?.subject}>{personName(p.id)} · {p.id}</option>)}
        </select>
      </Field>
      <Field label={t('proposal.reason')} hint={t('proposal.reasonHint')}><input name="reason" type="text" required maxLength={500} /></Field>
      <Failure of={failure} />
      <div class="actions">
        <button class="button primary" type="submit" disabled={busy} data-testid="save">{t('proposal.submit')}</button>
        <button class="button" type="button" onClick={leave}>{t('cancel')}</button>
      </div>
    </form>
  );
}

function Waiting({ of }: { of: Proposal }) {
  const { busy, failure, act } = useAct();
  const own = of.proposed_by === actor.value?.person;
  const run = async (work: () => Promise<unknown>) => {
    await act(work, t('acc.saved'));
    for (const l of [proposals, people]) void l.load();
  };
  return (
    <>
      <Failure of={failure} />
      <div class="actions">
        {!own && <button class="button danger" type="button" disabled={busy || !actor.value?.person} data-testid="confirm" onClick={() => void run(() => accounts.confirm(of))}>{t('proposal.confirm')}</button>}
        <button class="button" type="button" disabled={busy} data-testid="withdraw" onClick={() => void run(() => accounts.withdraw(of))}>{t('proposal.withdraw')}</button>
      </div>
      {own && <p class="muted small">{t('proposal.another')}</p>}
    </>
  );
}

function List({ items }: { items: readonly Proposal[] }) {
  const newest = [...items].sort((a, b) => Number(b.state === 'open') - Number(a.state === 'open') || b.created_at.localeCompare(a.created_at));
  return (
    <Table label={t('desk.proposals')} heads={[t('proposal.act'), t('proposal.reason'), t('proposal.by'), t('acc.state'), t('acc.acts')]}>
      {newest.map((p) => (
        <tr key={p.id} class={p.state === 'open' ? '' : 'is-off'} data-proposal={p.id}>
          <td class="wrap">{t(`proposal.act.${p.act}`)}<div class="sub">{personName(p.subject)}</div></td>
          <td class="wrap">{p.reason}</td>
          <td class="wrap">{personName(p.proposed_by)}<div class="sub"><Time at={p.created_at} date /></div></td>
          <td class="wrap">
            {t(`proposal.state.${p.state}`)}
            <div class="sub">{p.state === 'open' ? <>{t('proposal.until')} <Time at={p.expires_at} date /></> : p.confirmed_by && personName(p.confirmed_by)}</div>
          </td>
          <td class="wrap">{p.state === 'open' && admin.value && <Waiting of={p} />}</td>
        </tr>
      ))}
    </Table>
  );
}

export function ProposalsPage() {
  const [proposing, propose] = useState(toPropose.value !== null);
  if (proposing && people.items.value) return <Propose close={() => propose(false)} />;
  const person = actor.value?.person !== '';
  return (
    <>
      <p class="muted">{t('proposal.lead')}</p>
      {admin.value && !person && <p class="note">{t('proposal.noPerson')}</p>}
      {admin.value && person && <div class="desk-bar"><button class="button primary" type="button" data-testid="proposal-new" onClick={() => propose(true)}>{t('proposal.new')}</button></div>}
      <Listed of={proposals}>
        {(items) => (items.length === 0 ? <p class="empty">{t('proposal.none')}</p> : <List items={items} />)}
      </Listed>
    </>
  );
}
