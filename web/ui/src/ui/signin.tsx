import { useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { t } from '../i18n';
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

export function SignIn() {
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');

  const submit = async (e: Event) => {
    e.preventDefault();
    if (!token.trim() || busy) return;
    // The press of this button is the gesture that lets the page sound alarms.
    void unlockSound();
    setBusy(true);
    setError('');
    try {
      await signIn(token.trim());
    } catch (err) {
      setError(reason(err));
      setBusy(false);
    }
  };

  return (
    <main class="signin">
      <div class="signin-tools"><ThemeButton /><LangButton /></div>
      <form class="signin-box" onSubmit={submit}>
        <img src="/favicon.svg" alt="" width="40" height="40" />
        <h1>testzone</h1>
        <p class="muted">{t('signin.lead')}</p>
        {sessionExpired.value && <p class="note">{t('signin.expired')}</p>}
        <label for="token">{t('signin.token')}</label>
        <input
          id="token" name="token" type="password" autocomplete="off" spellcheck={false} autofocus required
          value={token} aria-describedby="token-hint" aria-invalid={error !== ''}
          onInput={(e) => setToken(e.currentTarget.value)}
        />
        <p id="token-hint" class="muted small">{t('signin.hint')}</p>
        <p class="error" role="alert">{error}</p>
        <button class="button primary" type="submit" disabled={busy}>{t(busy ? 'signin.busy' : 'signin.submit')}</button>
      </form>
    </main>
  );
}
