// Gateways: each stands beside a ground station and answers for vehicles that cannot sign.

import { useEffect, useRef, useState } from 'preact/hooks';
import { register, type Gateway } from '../api/register';
import { code, t } from '../i18n/later';
import { focusTab, organisationName } from '../state/accounts';
import { gateways, loadRegister, mayEditGateway, mayRegister, mayRevoke, onlyOperator, registered } from '../state/register';
import { actor } from '../state/session';
import { Choices, Failure, Field, Heading, Listed, Table, texts, useAct } from './account-bits';
import { AskOnce, Ended, OperatorField } from './register-bits';
import { fingerprintOf, onceFor } from './register-input';

/** Vehicles that have a listener of their own and may be answered for too. */
function further(operator: string, gateway: string): string[] {
  return (registered.items.value ?? [])
    .filter((v) => v.state === 'registered' && v.operator === operator && v.mavlink && v.mavlink.listener !== gateway)
    .map((v) => v.id);
}
const behind = (gateway: string): string[] =>
  (registered.items.value ?? []).filter((v) => v.state !== 'withdrawn' && v.mavlink?.listener === gateway).map((v) => v.id);

/** of: null for a new one. */
function Edit({ of, close }: { of: Gateway | null; close: () => void }) {
  const form = useRef<HTMLFormElement>(null);
  const [once] = useState(onceFor);
  const [operator, setOperator] = useState(of?.operator || actor.value?.organisation || '');
  const whose = operator || onlyOperator();
  const { busy, failure, act } = useAct();
  const submit = async (e: Event) => {
    e.preventDefault();
    const given = new FormData(form.current!);
    const change = { name: texts(given, 'name'), vehicles: given.getAll('vehicle').map(String) };
    const done = await act(async () => {
      if (of) return register.replaceGateway(of, change);
      const asked = { id: texts(given, 'id'), fingerprint: fingerprintOf(texts(given, 'fingerprint')), operator: whose, ...change };
      return register.enrol(asked, once(asked));
    }, t('acc.saved'));
    void gateways.load();
    if (done) close();
  };
  const all = [...new Set([...(of?.vehicles ?? []), ...further(whose, of?.id ?? '')])].sort();
  return (
    <form class="desk-form" ref={form} onSubmit={submit} data-testid="gateway-form">
      <Heading>{of ? t('acc.editWhat', { what: of.name }) : t('gateway.new')}</Heading>
      {of
        ? <p class="muted"><span class="mono">{of.id}</span> · {organisationName(of.operator)}</p>
        : <Field label={t('acc.id')} hint={t('gateway.idHint')}><input name="id" type="text" required maxLength={40} pattern="[a-z0-9\-]+" autocomplete="off" spellcheck={false} /></Field>}
      <Field label={t('acc.name')}><input name="name" type="text" required maxLength={120} autocomplete="off" defaultValue={of?.name ?? ''} /></Field>
      {!of && (
        <>
          <Field label={t('gateway.fingerprint')} hint={t('gateway.fingerprintHint')}>
            <input name="fingerprint" type="text" class="mono" required pattern="\s*([0-9a-fA-F][\s:]*){64}" autocomplete="off" spellcheck={false} />
          </Field>
          <OperatorField value={whose} onChange={setOperator} />
        </>
      )}
      {all.length > 0 && (
        <div class="many">
          <Choices key={whose} name="vehicle" label={t('gateway.further')} all={all} taken={of?.vehicles ?? []} text={(v) => v} />
        </div>
      )}
      <p class="muted small">{t('gateway.furtherHint')}</p>
      <Failure of={failure} />
      <div class="actions">
        <button class="button primary" type="submit" disabled={busy} data-testid="save">{t(of ? 'acc.save' : 'gateway.enrol')}</button>
        <button class="button" type="button" onClick={close}>{t('cancel')}</button>
      </div>
    </form>
  );
}

function GatewayRow({ of: g, edit }: { of: Gateway; edit: () => void }) {
  const { busy, failure, act } = useAct();
  const revoke = async () => {
    await act(() => register.revokeGateway(g), t('gateway.revokedNow'));
    await gateways.load();
  };
  const alone = behind(g.id);
  return (
    <tr class={g.state === 'enrolled' ? '' : 'is-off'} data-gateway={g.id}>
      <td class="wrap">{g.name}<div class="sub mono">{g.id}</div></td>
      <td class="wrap">{organisationName(g.operator)}</td>
      <td class="mono wrap fingerprint">{g.fingerprint}</td>
      <td class="wrap">{alone.join(' ') || '–'}{g.vehicles.length > 0 && <div class="sub">{t('gateway.furtherAre')} {g.vehicles.join(' ')}</div>}</td>
      <td>{code('gateway.state', g.state)}</td>
      <td>
        <Failure of={failure} />
        <div class="actions">
          {mayEditGateway(g) && <button class="button" type="button" aria-label={t('acc.editWhat', { what: g.name })} onClick={edit}>{t('acc.edit')}</button>}
          {g.state === 'enrolled' && mayRevoke(g.operator) && (
            <AskOnce name="gateway-revoke" what={t('keys.revoke')} sure={t('keys.revokeSure')} note={t('gateway.revokeNote')} busy={busy} done={revoke} />
          )}
        </div>
      </td>
    </tr>
  );
}

export function GatewaysPage() {
  const [edited, edit] = useState<Gateway | null | undefined>(undefined);
  useEffect(loadRegister, []);
  const close = () => {
    edit(undefined);
    focusTab();
  };
  if (edited !== undefined) return <Edit of={edited} close={close} />;
  return (
    <>
      <p class="muted">{t('gateway.lead')}</p>
      <div class="desk-bar">
        {mayRegister.value && <button class="button primary" type="button" data-testid="gateway-new" onClick={() => edit(null)}>{t('gateway.new')}</button>}
        <Ended label={t('gateway.retiredToo')} />
      </div>
      <Listed of={gateways}>
        {(items) => items.length === 0 ? <p class="empty">{t('gateway.none')}</p> : (
          <Table label={t('desk.gateways')} heads={[t('acc.name'), t('reg.operator'), t('gateway.fingerprint'), t('gateway.vehicles'), t('acc.state'), t('acc.acts')]}>
            {items.map((g) => <GatewayRow key={g.id} of={g} edit={() => edit(g)} />)}
          </Table>
        )}
      </Listed>
    </>
  );
}
