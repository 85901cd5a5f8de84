// One registered vehicle: what it is, whether it has proved who it is, its keys, who
// answers for it, and its end.

import { useEffect, useRef, useState } from 'preact/hooks';
import { register, type RegisteredVehicle, type VehicleKey } from '../api/register';
import { code, t } from '../i18n/later';
import { organisationName } from '../state/accounts';
import { mayEdit, mayKey, seesKeys } from '../state/register';
import { Failure, Heading, useAct } from './account-bits';
import { Row, Time } from './bits';
import { AskOnce, LinkState, lostLinkText } from './register-bits';
import { ContactForm } from './register-contact';
import { VehicleForm } from './register-form';
import { lostLinkKnown } from './register-input';
import { VehicleKeys } from './register-keys';

/** While it is looked at: a new key is waited for. */
const AGAIN_MS = 5_000;

interface Loaded { vehicle: RegisteredVehicle; keys: readonly VehicleKey[] }

function useVehicle(id: string) {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const asked = useRef(0);
  const load = async () => {
    const mine = ++asked.current;
    let [got, wrong]: [Loaded | null, unknown] = [null, null];
    try {
      const [vehicle, keys] = await Promise.all([register.vehicle(id), seesKeys.peek() ? register.keys(id) : []]);
      got = { vehicle, keys };
    } catch (err) {
      wrong = err;
    }
    // What was asked before an act may be answered after it.
    if (mine !== asked.current) return;
    if (got) setLoaded(got);
    setFailure(wrong);
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => void (document.hidden || load()), AGAIN_MS);
    return () => clearInterval(timer);
  }, [id]);
  return { loaded, failure, load };
}

function Facts({ of: v }: { of: RegisteredVehicle }) {
  const m = v.mavlink;
  return (
    <dl class="facts">
      <Row label={t('acc.id')}><span class="mono">{v.id}</span></Row>
      <Row label={t('reg.class')}>{code('class', `${v.class}.long`)}</Row>
      <Row label={t('reg.operator')}>{organisationName(v.operator)}</Row>
      <Row label={t('acc.state')}>{code('reg.state', v.state)}{v.origin === 'config' && ` · ${t('reg.configHint')}`}</Row>
      <Row label={t('reg.address')}>
        {m
          ? <>{t('reg.addressText', { listener: m.listener, system: m.system_id, component: m.component || 1 })}{(m.other_components ?? []).length > 0 && ` · ${t('reg.others')}: ${m.other_components!.join(', ')}`}</>
          : t('reg.noMavlink')}
      </Row>
      {m && <Row label={t('reg.autopilot')}>{code('reg.autopilot', m.autopilot || 'generic')}</Row>}
      {m && <Row label={t('reg.link')}><LinkState of={v.link} /></Row>}
      <Row label={t('reg.lost')}>
        {lostLinkText(v.lost_link)}
        {lostLinkKnown(v.lost_link) && <> · <span class="muted">{code('reg.lost.basis', v.lost_link.basis)} <Time at={v.lost_link.at} date /></span></>}
      </Row>
      {v.uid2 && <Row label={t('reg.uid2')}><span class="mono">{v.uid2}</span></Row>}
      {v.serial_number && <Row label={t('reg.serial')}><span class="mono">{v.serial_number}</span></Row>}
    </dl>
  );
}

function ContactSection({ of: v, edit }: { of: RegisteredVehicle; edit: () => void }) {
  const c = v.contact;
  return (
    <section class="desk-section" aria-label={t('reg.contact')}>
      <h2>{t('reg.contact')}</h2>
      {c
        ? (
          <dl class="facts" data-testid="contact">
            <Row label={t('reg.contactName')}>{c.name}</Row>
            <Row label={t('reg.phone')}><span class="mono">{c.phone}</span></Row>
            {c.email && <Row label={t('reg.email')}>{c.email}</Row>}
            {(c.languages ?? []).length > 0 && <Row label={t('reg.languages')}>{c.languages!.join(', ')}</Row>}
          </dl>
        )
        : <p class="note">{t('reg.noContact')}</p>}
      {mayKey(v) && <div class="actions"><button class="button" type="button" data-testid="contact-edit" onClick={edit}>{t(c ? 'reg.contactEdit' : 'reg.contactNew')}</button></div>}
    </section>
  );
}

export function VehiclePage({ id, close }: { id: string; close: () => void }) {
  const { loaded, failure, load } = useVehicle(id);
  const [form, open] = useState<'edit' | 'contact' | null>(null);
  const { busy, failure: refused, act } = useAct();
  const v = loaded?.vehicle;
  const shut = () => {
    open(null);
    void load();
  };
  if (v && form === 'edit') return <VehicleForm of={v} close={shut} />;
  if (v && form === 'contact') return <ContactForm of={v} close={shut} />;
  const withdraw = async () => {
    await act(() => register.withdraw(v!), t('reg.withdrawnNow'));
    void load();
  };
  return (
    <>
      <div class="desk-bar"><button class="button" type="button" data-testid="back" onClick={close}>{t('reg.back')}</button></div>
      <Failure of={failure} />
      {v && (
        <>
          <section class="desk-section" aria-label={v.name} data-testid="vehicle">
            <Heading>{v.name}</Heading>
            <Facts of={v} />
            <Failure of={refused} />
            {mayEdit(v) && (
              <div class="actions">
                <button class="button" type="button" data-testid="vehicle-edit" onClick={() => open('edit')}>{t('acc.edit')}</button>
                <AskOnce name="withdraw" what={t('reg.withdraw')} sure={t('reg.withdrawSure')} note={t('reg.withdrawNote')} busy={busy} done={withdraw} />
              </div>
            )}
          </section>
          {seesKeys.value && v.mavlink && <VehicleKeys of={v} keys={loaded.keys} load={load} />}
          {seesKeys.value && <ContactSection of={v} edit={() => open('contact')} />}
        </>
      )}
      {!v && !failure && <p class="empty" role="status">{t('card.loading')}</p>}
    </>
  );
}
