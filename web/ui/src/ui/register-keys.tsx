// The signing keys of a vehicle: a new one, rotation, and the end of one.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { register, type MavlinkAddress, type RegisteredVehicle, type VehicleKey } from '../api/register';
import { code, t } from '../i18n/later';
import { personName } from '../state/accounts';
import { gateways, mayKey, mayRevoke } from '../state/register';
import { Failure, Field, Secret, Table, texts, useAct } from './account-bits';
import { Time } from './bits';
import { AskOnce } from './register-bits';
import { keyAdvice, keyIn, onceFor, signSetup } from './register-input';

interface Made { id: string; secret: string }

function New({ of, close }: { of: RegisteredVehicle; close: (made?: Made) => void }) {
  const form = useRef<HTMLFormElement>(null);
  const first = useRef<HTMLSelectElement>(null);
  useLayoutEffect(() => first.current?.focus(), []);
  const [once] = useState(onceFor);
  const [given, setGiven] = useState(false);
  const { busy, failure, act } = useAct();
  const submit = async (e: Event) => {
    e.preventDefault();
    const secret = texts(new FormData(form.current!), 'secret').toLowerCase();
    let made: Made | undefined;
    const done = await act(async () => {
      const got = await register.addKey(of.id, secret, once(secret));
      made = { id: got.key.id, secret: given ? '' : got.secret };
    }, t('vkey.made'));
    if (done) close(made);
  };
  return (
    <form class="desk-form" ref={form} onSubmit={submit} data-testid="vkey-form">
      <Field label={t('vkey.from')}>
        <select name="from" onChange={(e) => setGiven(e.currentTarget.value === 'given')} ref={first}>
          <option value="made">{t('vkey.fromServer')}</option>
          <option value="given">{t('vkey.fromVehicle')}</option>
        </select>
      </Field>
      {given && (
        <Field label={t('vkey.digits')} hint={t('vkey.digitsHint')}>
          <input name="secret" type="password" class="mono" required minLength={64} maxLength={64} pattern="[0-9a-fA-F]{64}" autocomplete="off" spellcheck={false} />
        </Field>
      )}
      <Failure of={failure} />
      <div class="actions">
        <button class="button primary" type="submit" disabled={busy} data-testid="save">{t('vkey.add')}</button>
        <button class="button" type="button" onClick={() => close()}>{t('cancel')}</button>
      </div>
    </form>
  );
}

function KeyRow({ of, k, load }: { of: RegisteredVehicle; k: VehicleKey; load: () => Promise<void> }) {
  const { busy, failure, act } = useAct();
  const revoke = async (form: FormData) => {
    await act(() => register.revokeKey(of.id, k.id, texts(form, 'reason')), t('vkey.revokedNow'));
    await load();
  };
  const accepted = k.state === 'active' || k.state === 'next';
  return (
    <tr class={k.state === 'retired' ? 'is-off' : ''} data-vkey={k.id} data-state={k.state}>
      <td class="mono">{k.id}<div class="sub"><Time at={k.created_at} date /> · {personName(k.created_by)}</div></td>
      <td class="wrap">{code('vkey.state', k.state)}{k.why && <div class="sub">{code('vkey.why', k.why)}</div>}</td>
      <td>{k.seen_at ? <Time at={k.seen_at} date /> : t('vkey.unseen')}</td>
      <td class="wrap">
        <Failure of={failure} />
        {accepted && mayRevoke(of.operator) && (
          <AskOnce name="vkey-revoke" what={t('keys.revoke')} sure={t('keys.revokeSure')} busy={busy} done={revoke} note={t(k.state === 'active' ? 'vkey.revokeActive' : 'vkey.revokeNext')}>
            <Field label={t('vkey.reason')} hint={t('vkey.reasonHint')}><input name="reason" type="text" maxLength={300} autocomplete="off" /></Field>
          </AskOnce>
        )}
      </td>
    </tr>
  );
}

function Rotate({ of, unseen, load }: { of: RegisteredVehicle; unseen: boolean; load: () => Promise<void> }) {
  const { busy, failure, act } = useAct();
  const rotate = async () => {
    await act(() => register.rotate(of.id), t('vkey.rotated'));
    await load();
  };
  return (
    <>
      <Failure of={failure} />
      <AskOnce name="vkey-rotate" what={t('vkey.rotate')} sure={t(unseen ? 'vkey.rotateUnseen' : 'vkey.rotateSure')} busy={busy} done={rotate} note={t(unseen ? 'vkey.unseenNote' : 'vkey.rotateNote')} />
    </>
  );
}

/** A key goes into the vehicle by cable: whoever hears it over the air can be the vehicle. */
function HowTo({ of: m }: { of: MavlinkAddress }) {
  return (
    <details>
      <summary>{t('vkey.howTo')}</summary>
      <p>{t('vkey.howToText')}</p>
      <pre class="mono checkpoint">{signSetup(m)}</pre>
    </details>
  );
}

export function VehicleKeys({ of, keys, load }: { of: RegisteredVehicle; keys: readonly VehicleKey[]; load: () => Promise<void> }) {
  const [making, make] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const section = useRef<HTMLElement>(null);
  const focusSection = () => section.current?.querySelector('h2')?.focus();
  const close = (k?: Made) => {
    make(false);
    if (k?.secret) setMade(k);
    else requestAnimationFrame(focusSection);
    void load();
  };
  const vouched = (gateways.items.value ?? []).some((g) => g.state !== 'retired' && (g.id === of.mavlink?.listener || g.vehicles.includes(of.id)));
  const advice = keyAdvice(keys, vouched);
  const next = keyIn(keys, 'next');
  return (
    <section class="desk-section wide" ref={section} data-testid="vkeys">
      <h2 tabIndex={-1}>{t('vkey.title')}</h2>
      {made && <Secret label={t('vkey.secret', { id: made.id })} value={made.secret} done={() => setMade(null)} />}
      <p class={advice === 'good' || advice === 'vouched' ? 'muted' : 'note'} data-testid="vkey-advice">{code('vkey.advice', advice)}</p>
      {keys.length > 0 && (
        <Table label={t('vkey.title')} heads={[t('vkey.key'), t('acc.state'), t('vkey.seen'), t('acc.acts')]}>
          {keys.map((k) => <KeyRow key={k.id} of={of} k={k} load={load} />)}
        </Table>
      )}
      {mayKey(of) && (making
        ? <New of={of} close={close} />
        : (
          <div class="actions">
            {!next && <button class={advice === 'none' ? 'button primary' : 'button'} type="button" data-testid="vkey-new" onClick={() => make(true)}>{t(keyIn(keys, 'active') ? 'vkey.new' : 'vkey.first')}</button>}
            {next && <Rotate of={of} unseen={!next.seen_at} load={load} />}
          </div>
        ))}
      {of.mavlink && <HowTo of={of.mavlink} />}
    </section>
  );
}
