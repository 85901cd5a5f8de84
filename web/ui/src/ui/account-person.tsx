// One person, new or changed: personal data, organisation and roles, password, and
// the acts that need two persons.

import { useRef, useState } from 'preact/hooks';
import { accounts, type Organisation, type Person, type Profile, type Role } from '../api/accounts';
import { code, t } from '../i18n/later';
import { newPassword, organisations, people, personName, proposeFor } from '../state/accounts';
import { actor } from '../state/session';
import { Choices, Failure, Field, Heading, isCode, texts, useAct } from './account-bits';

const ROLES: readonly Role[] = ['administrator', 'controller', 'test_operator', 'department_reviewer', 'applicant', 'observer', 'auditor', 'vehicle'];

/** Which roles an organisation's people may have; the server holds the rule. */
function fits(role: string, kind: Organisation['kind'] | undefined): boolean {
  if (role === 'administrator' || role === 'controller') return kind === 'authority';
  if (role === 'department_reviewer') return kind === 'department' || kind === 'sandbox';
  if (role === 'test_operator' || role === 'applicant' || role === 'vehicle') return kind === 'operator' || kind === 'sandbox';
  return true;
}

type Close = (secret?: { of: string; value: string }) => void;

async function save(of: Person | null, given: FormData): Promise<{ of: string; value: string } | undefined> {
  const profile: Profile = { login: texts(given, 'login'), name: texts(given, 'name'), subject: texts(given, 'subject') };
  const rights = { organisation: texts(given, 'organisation'), roles: given.getAll('role') as Role[], disabled: given.has('disabled') };
  if (!of) {
    const password = given.has('password') && profile.login ? newPassword() : undefined;
    await accounts.createPerson({ ...profile, ...rights, ...(password ? { password } : {}) });
    return password ? { of: profile.name || profile.login, value: password } : undefined;
  }
  let now = of;
  const had = of.profile;
  if (!had || had.login !== profile.login || had.name !== profile.name || had.subject !== profile.subject) {
    now = await accounts.replaceProfile(of.id, profile);
  }
  const same = of.organisation === rights.organisation && of.disabled === rights.disabled
    && [...of.roles].sort().join() === [...rights.roles].sort().join();
  if (!same) await accounts.replacePerson(now, rights);
  return undefined;
}

/** A new password, and what another person must confirm. */
function Acts({ of, close }: { of: Person; close: Close }) {
  const { busy, failure, act } = useAct();
  if (of.id === actor.value?.person) return <p class="muted">{t('person.self')}</p>;
  const reset = async () => {
    const value = newPassword();
    if (await act(() => accounts.resetPassword(of.id, value))) close({ of: personName(of.id), value });
  };
  return (
    <section class="desk-section" aria-label={t('acc.acts')}>
      <h2>{t('acc.acts')}</h2>
      <Failure of={failure} />
      <div class="actions">
        <button class="button" type="button" disabled={busy || !of.profile?.login} data-testid="person-reset" onClick={() => void reset()}>{t('person.reset')}</button>
        <button class="button" type="button" onClick={() => proposeFor(of.roles.includes('administrator') ? 'administrator.remove' : 'administrator.appoint', of.id)}>
          {t(of.roles.includes('administrator') ? 'proposal.proposeRemove' : 'proposal.proposeAppoint')}
        </button>
        <button class="button" type="button" onClick={() => proposeFor('person.erase', of.id)}>{t('proposal.proposeErase')}</button>
      </div>
      <p class="muted small">{t(of.profile?.login ? 'person.resetHint' : 'person.noLogin')}</p>
    </section>
  );
}

export function PersonForm({ of, close }: { of: Person | null; close: Close }) {
  const form = useRef<HTMLFormElement>(null);
  const orgs = organisations.items.value ?? [];
  const [org, setOrg] = useState(of?.organisation ?? orgs.find((o) => !o.disabled)?.id ?? '');
  const { busy, failure, act } = useAct();
  const kind = orgs.find((o) => o.id === org)?.kind;
  const submit = async (e: Event) => {
    e.preventDefault();
    let secret: { of: string; value: string } | undefined;
    const done = await act(async () => (secret = await save(of, new FormData(form.current!))), t('acc.saved'));
    void people.load();
    if (done) close(secret);
  };
  if (orgs.length === 0) {
    return (
      <div class="desk-section">
        <p class="note">{t('person.needsOrganisation')}</p>
        <div class="actions"><button class="button" type="button" onClick={() => close()}>{t('cancel')}</button></div>
      </div>
    );
  }
  const administers = (of?.roles.includes('administrator') ?? false);
  return (
    <>
      <form class="desk-form" ref={form} onSubmit={submit} data-testid="person-form">
        <Heading>{of ? personName(of.id) : t('person.new')}</Heading>
        {of && <p class="muted mono">{of.id}</p>}
        <Field label={t('person.name')}><input name="name" type="text" maxLength={120} autocomplete="off" defaultValue={of?.profile?.name ?? ''} /></Field>
        <Field label={t('signin.login')} hint={t('person.loginHint')}>
          <input name="login" type="text" maxLength={64} pattern="[A-Za-z0-9._+@\-]*" autocomplete="off" spellcheck={false} defaultValue={of?.profile?.login ?? ''} />
        </Field>
        <Field label={t('person.subject')} hint={t('person.subjectHint')}>
          <input name="subject" type="text" maxLength={255} autocomplete="off" spellcheck={false} defaultValue={of?.profile?.subject ?? ''} />
        </Field>
        <Field label={t('acc.organisation')}>
          <select name="organisation" value={org} onChange={(e) => setOrg(e.currentTarget.value)}>
            {orgs.map((o) => <option key={o.id} value={o.id}>{o.name} · {t(`org.kind.${o.kind}`)}</option>)}
          </select>
        </Field>
        <Choices key={org} name="role" label={t('acc.roles')} all={ROLES} taken={of?.roles ?? []} off={(r) => !fits(r, kind)} text={(r) => code('role', r)} />
        {of
          ? <label class="check"><input type="checkbox" name="disabled" defaultChecked={of.disabled} />{t('person.disable')}</label>
          : <label class="check"><input type="checkbox" name="password" defaultChecked />{t('person.password')}</label>}
        <Failure of={failure}>
          {of && isCode(failure, 'two_persons') && (
            <button class="link-button" type="button" onClick={() => proposeFor(administers ? 'administrator.remove' : 'administrator.appoint', of.id)}>{t('proposal.open')}</button>
          )}
        </Failure>
        <div class="actions">
          <button class="button primary" type="submit" disabled={busy} data-testid="save">{t(of ? 'acc.save' : 'acc.create')}</button>
          <button class="button" type="button" onClick={() => close()}>{t('cancel')}</button>
        </div>
      </form>
      {of && <Acts of={of} close={close} />}
    </>
  );
}
