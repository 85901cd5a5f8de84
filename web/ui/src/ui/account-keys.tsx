// API keys: one's own, and all for administrators; a new one, the end of one.

import { useRef, useState } from 'preact/hooks';
import { accounts, type ApiKey, type KeyInput, type NewKey } from '../api/accounts';
import { zoneInstant } from '../fence/schedule';
import { code, t } from '../i18n/later';
import { admin, focusTab, keys, people, personName } from '../state/accounts';
import { serverTime, zoneTz } from '../state/clock';
import { actor } from '../state/session';
import { Choices, Failure, Field, Heading, Listed, Secret, Table, texts, useAct } from './account-bits';
import { Time } from './bits';

type Scope = KeyInput['scopes'][number];

/** For vehicles, which make no keys, an administrator makes them. */
const OTHERS: readonly Scope[] = ['vehicle.telemetry'];

function inputOf(given: FormData): KeyInput {
  const expires = zoneInstant(texts(given, 'expires'), zoneTz.value);
  const cidrs = texts(given, 'cidrs').split(/[\s,]+/).filter(Boolean);
  return {
    person: texts(given, 'person'), label: texts(given, 'label'), scopes: given.getAll('scope') as Scope[],
    ...(Number.isNaN(expires) ? {} : { expires_at: new Date(expires).toISOString() }),
    ...(cidrs.length > 0 ? { cidrs } : {}),
  };
}

function New({ close }: { close: (made?: NewKey) => void }) {
  const me = actor.value!;
  const form = useRef<HTMLFormElement>(null);
  const owners = admin.value
    ? (people.items.value ?? []).filter((p) => p.id !== me.person && !p.disabled && p.roles.some((r) => r === 'vehicle' || r === 'test_operator')).map((p) => p.id)
    : [];
  if (me.person) owners.unshift(me.person);
  const [owner, setOwner] = useState(owners[0] ?? '');
  const { busy, failure, act } = useAct();
  const submit = async (e: Event) => {
    e.preventDefault();
    let made: NewKey | undefined;
    const done = await act(async () => (made = await accounts.createKey(inputOf(new FormData(form.current!)))));
    void keys.load();
    if (done) close(made);
  };
  const scopes = owner === me.person ? me.scopes : OTHERS;
  return (
    <form class="desk-form" ref={form} onSubmit={submit} data-testid="key-form">
      <Heading>{t('keys.new')}</Heading>
      {owners.length === 0 && <p class="note">{t('keys.noOwner')}</p>}
      <Field label={t('keys.label')}><input name="label" type="text" required maxLength={120} /></Field>
      <Field label={t('keys.owner')} hint={admin.value ? t('keys.ownerHint') : ''}>
        <select name="person" value={owner} onChange={(e) => setOwner(e.currentTarget.value)}>
          {owners.map((id) => <option key={id} value={id}>{personName(id)}</option>)}
        </select>
      </Field>
      <Choices key={owner} name="scope" label={t('acc.scopes')} all={scopes} taken={scopes.length === 1 ? scopes : []} text={(s) => code('scope', s)} />
      <Field label={t('keys.expires')} hint={t('keys.expiresHint', { tz: zoneTz.value })}><input name="expires" type="datetime-local" /></Field>
      <Field label={t('keys.cidrs')} hint={t('keys.cidrsHint')}><input name="cidrs" type="text" spellcheck={false} placeholder="192.0.2.0/24" /></Field>
      <Failure of={failure} />
      <div class="actions">
        <button class="button primary" type="submit" disabled={busy || !owner} data-testid="save">{t('acc.create')}</button>
        <button class="button" type="button" onClick={() => close()}>{t('cancel')}</button>
      </div>
    </form>
  );
}

const expired = (k: ApiKey) => k.expires_at !== null && Date.parse(k.expires_at) <= (serverTime() ?? Date.now());

/** The end of a key is for good: it asks once. */
function Revoke({ of }: { of: ApiKey }) {
  const [asked, ask] = useState(false);
  const { busy, failure, act } = useAct();
  const revoke = async () => {
    await act(() => accounts.revokeKey(of), t('keys.revokedNow'));
    ask(false);
    void keys.load();
  };
  return (
    <>
      <Failure of={failure} />
      <div class="actions">
        {asked
          ? (
            <>
              <button class="button danger" type="button" disabled={busy} data-testid="revoke-sure" ref={(el) => el?.focus()} onClick={() => void revoke()}>{t('keys.revokeSure')}</button>
              <button class="button" type="button" onClick={() => ask(false)}>{t('cancel')}</button>
            </>
          )
          : <button class="button" type="button" aria-label={t('keys.revokeWhat', { what: of.label })} data-testid="revoke" onClick={() => ask(true)}>{t('keys.revoke')}</button>}
      </div>
    </>
  );
}

function List({ items }: { items: readonly ApiKey[] }) {
  const heads = [t('keys.label'), t('keys.owner'), t('acc.scopes'), t('keys.expires'), t('keys.used'), t('acc.acts')];
  return (
    <Table label={t('desk.keys')} heads={heads}>
      {items.map((k) => {
        const off = k.revoked || expired(k);
        return (
          <tr key={k.id} class={off ? 'is-off' : ''} data-key={k.id}>
            <td class="wrap">{k.label}<div class="sub mono">{k.id}</div></td>
            <td class="wrap">{personName(k.person)}</td>
            <td class="wrap">{k.scopes.map((s) => code('scope', s)).join(' · ')}{(k.cidrs?.length ?? 0) > 0 && <div class="sub mono">{k.cidrs?.join(' ')}</div>}</td>
            <td>{k.expires_at ? <Time at={k.expires_at} date /> : t('keys.never')}</td>
            <td>{k.used_at ? <><Time at={k.used_at} date /><div class="sub mono">{k.used_from}</div></> : t('keys.unused')}</td>
            <td>{off ? t(k.revoked ? 'keys.revoked' : 'keys.expired') : <Revoke of={k} />}</td>
          </tr>
        );
      })}
    </Table>
  );
}

export function KeysPage() {
  const [making, make] = useState(false);
  const [made, setMade] = useState<NewKey | null>(null);
  const close = (k?: NewKey) => {
    if (k) setMade(k);
    make(false);
    focusTab();
  };
  if (making) return <New close={close} />;
  const mayMake = !actor.value?.key && (actor.value?.person !== '' || admin.value);
  return (
    <>
      {made && <Secret label={t('keys.secret', { label: made.key.label })} value={made.secret} done={() => setMade(null)} />}
      {mayMake
        ? <div class="desk-bar"><button class="button primary" type="button" data-testid="key-new" onClick={() => make(true)}>{t('keys.new')}</button></div>
        : <p class="muted">{t('keys.noneByKey')}</p>}
      <Listed of={keys}>
        {(items) => (items.length === 0 ? <p class="empty">{t('keys.none')}</p> : <List items={items} />)}
      </Listed>
    </>
  );
}
