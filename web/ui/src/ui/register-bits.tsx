// Pieces that the pages of vehicles and gateways share.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { KnownLostLink, VehicleLink } from '../api/register';
import { code, formatNumber, t } from '../i18n/later';
import { organisationName } from '../state/accounts';
import { ended, loadRegister, operators } from '../state/register';
import { Field } from './account-bits';
import { Time } from './bits';
import { lostLinkKnown, refusedSince } from './register-input';

/** Whether a vehicle has proved who it is, where and when; and the last refusal. */
export function LinkState({ of }: { of: VehicleLink }) {
  const news = refusedSince(of);
  return (
    <>
      {of.state === 'proved'
        ? <>{t('reg.link.proved')} <Time at={of.proved_at} date /><div class="sub mono">{of.listener}{of.address && ` ← ${of.address}`}</div></>
        : t('reg.link.never')}
      {of.refused_at && (
        <div class={news ? '' : 'sub'}>
          <span class={news ? 'tag tag-warn' : ''}>{t('reg.link.refused')}</span> <Time at={of.refused_at} date />: {code('refused', of.refused_reason)}
        </div>
      )}
    </>
  );
}

export function lostLinkText(l: KnownLostLink): string {
  if (!lostLinkKnown(l)) return t('reg.lost.notKnown');
  return [
    code('reg.lost.action', l.action),
    ...(l.return_height_m !== undefined ? [t('reg.lost.height', { m: formatNumber(l.return_height_m, 1) })] : []),
    ...(l.rally ? [t('reg.lost.toRally')] : []),
    ...(l.endurance_s ? [t('reg.lost.stays', { min: formatNumber(l.endurance_s / 60, 1) })] : []),
  ].join(' · ');
}

/** What ends is asked for once. children: what is asked beside it, such as a reason. */
export function AskOnce({ name, what, sure, note, busy, done, children }: {
  name: string; what: string; sure: string; note?: string; busy: boolean; done: (form: FormData) => Promise<unknown>; children?: ComponentChildren;
}) {
  const [asked, ask] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const was = useRef(false);
  useEffect(() => {
    if (asked) form.current?.querySelector<HTMLElement>('input, button')?.focus();
    else if (was.current) opener.current?.focus();
    was.current = asked;
  }, [asked]);
  if (!asked) return <button ref={opener} class="button" type="button" data-testid={name} onClick={() => ask(true)}>{what}</button>;
  const submit = async (e: Event) => {
    e.preventDefault();
    await done(new FormData(form.current!));
    ask(false);
  };
  return (
    <form class="ask-once" ref={form} onSubmit={submit}>
      {note && <p class="note">{note}</p>}
      {children}
      <div class="actions">
        <button class="button danger" type="submit" disabled={busy} data-testid={`${name}-sure`}>{sure}</button>
        <button class="button" type="button" onClick={() => ask(false)}>{t('cancel')}</button>
      </div>
    </form>
  );
}

/** Whether those too are shown that have ended. */
export function Ended({ label }: { label: string }) {
  const toggle = () => {
    ended.value = !ended.value;
    loadRegister();
  };
  return <label class="check"><input type="checkbox" checked={ended.value} onChange={toggle} data-testid="ended" />{label}</label>;
}

/** Whose it is: chosen by those who register for several, else told. */
export function OperatorField({ value, onChange }: { value: string; onChange: (id: string) => void }) {
  const all = operators.value.map((o) => o.id);
  // Nobody registers for the wrong one because it stands first.
  if (!all.includes(value)) all.unshift(value);
  return (
    <Field label={t('reg.operator')} hint={operators.value.length === 0 ? t('reg.noOperator') : ''}>
      <select name="operator" required value={value} onChange={(e) => onChange(e.currentTarget.value)}>
        {all.map((id) => <option key={id} value={id}>{id && organisationName(id)}</option>)}
      </select>
    </Field>
  );
}
