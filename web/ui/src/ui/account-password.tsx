// The password of who is signed in: its change, and the first one, without which
// there are no rights.

import { useRef } from 'preact/hooks';
import { accounts } from '../api/accounts';
import { ApiError } from '../api/client';
import { t } from '../i18n/later';
import { renewSession, signOut } from '../state/session';
import { Failure, Field, useAct } from './account-bits';
import { LangButton, ThemeButton } from './topbar';

function PasswordForm() {
  const form = useRef<HTMLFormElement>(null);
  const { busy, failure, act } = useAct();
  const submit = async (e: Event) => {
    e.preventDefault();
    const given = new FormData(form.current!);
    const text = (name: string) => String(given.get(name));
    const done = await act(async () => {
      if (text('password') !== text('again')) throw new ApiError(422, 'passwords_differ', '');
      await accounts.changePassword(text('current'), text('password'));
    }, t('password.done'));
    if (!done) return;
    form.current?.reset();
    await renewSession();
  };
  return (
    <form class="desk-form" ref={form} onSubmit={submit} data-testid="password-form">
      <Field label={t('password.current')}><input name="current" type="password" autocomplete="current-password" required maxLength={512} /></Field>
      <Field label={t('password.new')} hint={t('password.hint')}><input name="password" type="password" autocomplete="new-password" required minLength={12} maxLength={128} /></Field>
      <Field label={t('password.again')}><input name="again" type="password" autocomplete="new-password" required minLength={12} maxLength={128} /></Field>
      <Failure of={failure} />
      <div class="actions"><button class="button primary" type="submit" disabled={busy}>{t('password.change')}</button></div>
    </form>
  );
}

/** In place of the page until the password that somebody else gave is changed. */
export function FirstPassword() {
  return (
    <main class="signin">
      <div class="signin-tools"><ThemeButton /><LangButton /></div>
      <div class="signin-box">
        <h1>{t('password.title')}</h1>
        <p class="note">{t('password.must')}</p>
        <PasswordForm />
        <button class="link-button" type="button" onClick={() => void signOut()}>{t('signout')}</button>
      </div>
    </main>
  );
}

export function OwnPassword() {
  return (
    <section class="desk-section">
      <h2>{t('password.title')}</h2>
      <p class="muted">{t('password.ends')}</p>
      <PasswordForm />
    </section>
  );
}
