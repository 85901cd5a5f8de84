import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, api } from '../api/client';
import type { paths } from '../api/schema';
import { t } from '../i18n';
import { byPassword, wasSignedIn } from '../state/prefs';
import { sessionExpired, signIn } from '../state/session';
import { unlockSound } from '../state/sound';
import { LangButton, ThemeButton } from './topbar';

function reason(err: unknown): string {
  if (!(err instanceof ApiError)) return String(err);
  if (err.status === 0) return t('signin.network');
  if (err.status === 401) return t('signin.bad');
  if (err.status === 429) return t('signin.rate', { seconds: err.retryAfterS || '…' });
  return t('signin.error', { code: err.code });
}

// How a sign-in at the identity provider failed; the address is cleaned later.
const refused = /^#signin=([a-z_]+)$/.exec(location.hash)?.[1];

export function SignIn() {
  const form = useRef<HTMLFormElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(() => (refused ? t('signin.error', { code: refused }) : ''));
  const [provider, setProvider] = useState('');

  const submit = async (e: Event) => {
    e.preventDefault();
    if (busy) return;
    const given = new FormData(form.current!);
    const text = (name: string) => String(given.get(name));
    // The press of this button is the gesture that lets the page sound alarms.
    void unlockSound();
    setBusy(true);
    setError('');
    try {
      await signIn(byPassword.value ? { login: text('login').trim(), password: text('password') } : { token: text('token').trim() });
    } catch (err) {
      setError(reason(err));
      setBusy(false);
    }
  };

  useEffect(() => form.current!.querySelector('input')?.focus(), [byPassword.value]);
  useEffect(() => void api.signInWays().then((w) => setProvider(w.provider?.name ?? ''), () => {}), []);
  return (
    <main class="signin">
      <div class="signin-tools"><ThemeButton /><LangButton /></div>
      <form class="signin-box" ref={form} onSubmit={submit}>
        <img src="/favicon.svg" alt="" width="40" height="40" />
        <h1>testzone</h1>
        <p class="muted">{t('signin.lead')}</p>
        {sessionExpired.value && <p class="note">{t('signin.expired')}</p>}
        {byPassword.value ? (
          <>
            <label for="login">{t('signin.login')}</label>
            <input key="login" id="login" name="login" type="text" autocomplete="username" spellcheck={false} required aria-invalid={error !== ''} />
            <label for="password">{t('signin.password')}</label>
            <input id="password" name="password" type="password" autocomplete="current-password" required aria-invalid={error !== ''} />
          </>
        ) : (
          <>
            <label for="token">{t('signin.token')}</label>
            <input key="token" id="token" name="token" type="password" autocomplete="off" spellcheck={false} required
              pattern=".*\S.*" aria-describedby="token-hint" aria-invalid={error !== ''} />
            <p id="token-hint" class="muted small">{t('signin.hint')}</p>
          </>
        )}
        <p class="error" role="alert">{error}</p>
        <button class="button primary" type="submit" disabled={busy}>{t(busy ? 'signin.busy' : 'signin.submit')}</button>
        <button class="link-button" type="button" data-testid="signin-way" onClick={() => {
          byPassword.value = !byPassword.value;
          setError('');
        }}>{t(byPassword.value ? 'signin.byToken' : 'signin.byPassword')}</button>
        {/* The session is there when the browser comes back: the page must look for it. */}
        {provider && <a class="button" href={'/v1/oidc/start' satisfies keyof paths} data-testid="signin-provider"
          onClick={() => (wasSignedIn.value = true)}>{t('signin.provider', { name: provider })}</a>}
      </form>
    </main>
  );
}
