// Pieces that the account pages share.

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { code, t } from '../i18n/later';
import { announce } from '../state/announce';
import { focusTab, type Listing } from '../state/accounts';

/** What went wrong and what to do, in the language of the user where we know the code. */
export function problemText(err: unknown): string {
  if (!(err instanceof ApiError)) return String(err);
  if (err.status === 0) return t('signin.network');
  if (err.status === 429) return t('signin.rate', { seconds: err.retryAfterS || '…' });
  const known = code('problem', err.code);
  const said = known === err.code ? err.message : known;
  return [said, ...err.faults.map((f) => f.message)].join(' ');
}

/** One thing at a time: busy while it runs, then done or the problem. */
export function useAct(): { busy: boolean; failure: unknown; act: (work: () => Promise<unknown>, done?: string) => Promise<boolean> } {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const act = async (work: () => Promise<unknown>, done?: string) => {
    if (busy) return false;
    setBusy(true);
    setFailure(null);
    try {
      await work();
      if (done) announce(done);
      return true;
    } catch (err) {
      setFailure(err);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, failure, act };
}

export function Failure({ of, children }: { of: unknown; children?: ComponentChildren }) {
  return <div class="error" role="alert">{of ? <>{problemText(of)} {children}</> : ''}</div>;
}

export const isCode = (err: unknown, ...codes: string[]): boolean => err instanceof ApiError && codes.includes(err.code);

/** A list or why it is not there. */
export function Listed<T>({ of, children }: { of: Listing<T>; children: (items: readonly T[]) => ComponentChildren }) {
  const items = of.items.value;
  return (
    <>
      <Failure of={of.failure.value}><button class="link-button" type="button" onClick={() => void of.load()}>{t('app.retry')}</button></Failure>
      {items ? children(items) : !of.failure.value && <p class="empty" role="status">{t('card.loading')}</p>}
    </>
  );
}

/** A heading that has the focus once it is shown, so that a change of the page is noticed. */
export function Heading({ children }: { children: ComponentChildren }) {
  const h = useRef<HTMLHeadingElement>(null);
  // Before the next key can come.
  useLayoutEffect(() => h.current?.focus(), []);
  return <h2 ref={h} tabIndex={-1}>{children}</h2>;
}

/** A secret at the only time that it is seen. */
export function Secret({ label, value, done }: { label: string; value: string; done: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, [value]);
  const copy = async () => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      // Without the permission it stays selected, to be copied by hand.
    }
  };
  return (
    <div class="secret" role="group" aria-label={label} data-testid="secret">
      <strong>{label}</strong>
      <div class="secret-row">
        <input ref={field} class="mono" type="text" readOnly value={value} aria-label={label} data-testid="secret-value" />
        <button class="button primary" type="button" onClick={() => void copy()}>{t(copied ? 'acc.copied' : 'acc.copy')}</button>
        <button class="button" type="button" data-testid="secret-done" onClick={() => {
          done();
          focusTab();
        }}>{t('acc.secretDone')}</button>
      </div>
      <p class="small">{t('acc.secretHint')}</p>
    </div>
  );
}

export function Field({ label, hint, children }: { label: string; hint?: string; children: ComponentChildren }) {
  return <label class="field"><span>{label}</span>{children}{hint && <small class="muted">{hint}</small>}</label>;
}

/** Choices of which several can be taken. */
export function Choices({ name, label, all, taken, off, text }: {
  name: string; label: string; all: readonly string[]; taken: readonly string[]; off?: (v: string) => boolean; text: (v: string) => string;
}) {
  return (
    <fieldset>
      <legend>{label}</legend>
      <div class="choices">
        {all.map((v) => (
          <label key={v} class="check">
            <input type="checkbox" name={name} value={v} defaultChecked={taken.includes(v)} disabled={off?.(v) ?? false} data-testid={`${name}-${v}`} />
            {text(v)}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export const texts = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

/** A table that scrolls sideways where it must; focusable, so that keys can scroll it. */
export function Table({ label, heads, children }: { label: string; heads: readonly string[]; children: ComponentChildren }) {
  return (
    <div class="desk-table" tabIndex={0} role="region" aria-label={label}>
      <table class="table" aria-label={label}>
        <thead><tr>{heads.map((h) => <th key={h} scope="col">{h}</th>)}</tr></thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
