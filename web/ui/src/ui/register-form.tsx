// The definition of a vehicle: a new one, or the change of one.

import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { register, type NewVehicle, type RegisteredVehicle, type VehicleInput } from '../api/register';
import { code, t } from '../i18n/later';
import { gateways, onlyOperator, registered, signedListeners } from '../state/register';
import { actor } from '../state/session';
import { Failure, Field, Heading, texts, useAct } from './account-bits';
import { lostLinkText, OperatorField } from './register-bits';
import { ContactFields } from './register-contact';
import { contactFault, contactOf, idFault, lostLinkKnown, onceFor, vehicleFault, vehicleOf, type Fault } from './register-input';

const CLASSES = ['uav', 'icv', 'usv'] as const;
const AUTOPILOTS = ['ardupilot', 'px4', 'generic'] as const;
const ACTIONS = ['return', 'land', 'hold', 'continue', 'terminate', 'unknown'] as const;

function Options({ of, value, text }: { of: readonly string[]; value?: string | undefined; text: (v: string) => string }) {
  return <>{of.map((v) => <option key={v} value={v} selected={v === value}>{text(v)}</option>)}</>;
}

/** Where it speaks MAVLink, and as whom. */
function Address({ of, operator }: { of: RegisteredVehicle | null; operator: string }) {
  const m = of?.mavlink;
  const [listener, setListener] = useState(m?.listener ?? '');
  const behind = (gateways.items.value ?? []).filter((g) => g.state === 'enrolled' && g.operator === operator).map((g) => g.id);
  const open = signedListeners.value;
  const other = listener && !behind.includes(listener) && !open.includes(listener) ? [listener] : [];
  return (
    <fieldset class="fields">
      <legend>{t('reg.address')}</legend>
      <Field label={t('reg.listener')} hint={t(open.length + behind.length > 0 ? 'reg.listenerHint' : 'reg.noListener')}>
        <select name="listener" value={listener} onChange={(e) => setListener(e.currentTarget.value)}>
          <option value="">{t('reg.noMavlink')}</option>
          {[...other, ...open].length > 0 && <optgroup label={t('reg.listeners')}><Options of={[...other, ...open]} value={listener} text={String} /></optgroup>}
          {behind.length > 0 && <optgroup label={t('desk.gateways')}><Options of={behind} value={listener} text={String} /></optgroup>}
        </select>
      </Field>
      {listener && (
        <>
          <div class="field-row">
            <Field label={t('reg.system')}><input name="system" type="number" required min={1} max={254} defaultValue={String(m?.system_id ?? '')} /></Field>
            <Field label={t('reg.component')}><input name="component" type="number" min={1} max={255} defaultValue={String(m?.component || 1)} /></Field>
            <Field label={t('reg.autopilot')}>
              <select name="autopilot"><Options of={AUTOPILOTS} value={m?.autopilot ?? 'ardupilot'} text={(a) => code('reg.autopilot', a)} /></select>
            </Field>
          </div>
          <p class="muted small">{t('reg.systemHint')}</p>
          <Field label={t('reg.others')} hint={t('reg.othersHint')}>
            <input name="others" type="text" inputMode="numeric" spellcheck={false} pattern="[0-9,; ]*" defaultValue={(m?.other_components ?? []).join(' ')} />
          </Field>
        </>
      )}
    </fieldset>
  );
}

/** What it does by itself without a link; without a statement what is known stays. */
function LostLink({ of }: { of: RegisteredVehicle | null }) {
  const [action, setAction] = useState('');
  const known = of?.lost_link;
  return (
    <fieldset class="fields">
      <legend>{t('reg.lost')}</legend>
      {known && <p>{lostLinkText(known)}{lostLinkKnown(known) && <> · <span class="muted">{code('reg.lost.basis', known.basis)}</span></>}</p>}
      <Field label={t('reg.lost.state')} hint={t('reg.lost.hint')}>
        <select name="action" value={action} onChange={(e) => setAction(e.currentTarget.value)}>
          <option value="">{t(of ? 'reg.lost.keep' : 'reg.lost.later')}</option>
          <Options of={ACTIONS} value={action} text={(a) => code('reg.lost.action', a)} />
        </select>
      </Field>
      {action === 'return' && (
        <>
          <Field label={t('reg.lost.returnHeight')} hint={t('reg.lost.returnHint')}>
            <input name="return_height" type="number" step="any" min={-1000} max={10_000} defaultValue={String(known?.return_height_m ?? '')} />
          </Field>
          <label class="check"><input type="checkbox" name="rally" defaultChecked={known?.rally ?? false} />{t('reg.lost.rally')}</label>
        </>
      )}
      {action && (
        <Field label={t('reg.lost.endurance')}>
          <input name="endurance" type="number" step="any" min={0} max={525_600} defaultValue={known?.endurance_s ? String(known.endurance_s / 60) : ''} />
        </Field>
      )}
    </fieldset>
  );
}

function Checks({ of, children }: { of: RegisteredVehicle | null; children?: ComponentChildren }) {
  return (
    <fieldset class="fields">
      <legend>{t('reg.checks')}</legend>
      <p class="muted small">{t('reg.checksHint')}</p>
      <Field label={t('reg.uid2')}><input name="uid2" type="text" class="mono" maxLength={36} pattern="[0-9a-fA-F]*" spellcheck={false} defaultValue={of?.uid2 ?? ''} /></Field>
      <Field label={t('reg.serial')}><input name="serial" type="text" class="mono" maxLength={20} pattern="[\x21-\x7E]*" spellcheck={false} defaultValue={of?.serial_number ?? ''} /></Field>
      {children}
    </fieldset>
  );
}

/** of: null for a new one. */
export function VehicleForm({ of, close }: { of: RegisteredVehicle | null; close: (saved?: RegisteredVehicle) => void }) {
  const form = useRef<HTMLFormElement>(null);
  const [once] = useState(onceFor);
  const [operator, setOperator] = useState(of?.operator || actor.value?.organisation || '');
  const whose = operator || onlyOperator();
  const [fault, setFault] = useState<Fault | null>(null);
  const { busy, failure, act } = useAct();
  const save = async (v: VehicleInput, given: FormData): Promise<RegisteredVehicle> => {
    if (of) return register.replace(of, v);
    const contact = contactOf(given);
    const asked: NewVehicle = { id: texts(given, 'id'), ...v, ...(contact ? { contact } : {}) };
    return register.add(asked, once(asked));
  };
  const submit = async (e: Event) => {
    e.preventDefault();
    const given = new FormData(form.current!);
    const v = vehicleOf(given);
    const contact = of ? null : contactOf(given);
    const found = (of ? null : idFault(texts(given, 'id'))) ?? vehicleFault(v) ?? (contact && contactFault(contact));
    setFault(found);
    if (found) return;
    let saved: RegisteredVehicle | undefined;
    const done = await act(async () => (saved = await save(v, given)), t('acc.saved'));
    void registered.load();
    if (done) close(saved);
  };
  return (
    <form class="desk-form" ref={form} onSubmit={submit} data-testid="vehicle-form">
      <Heading>{of ? t('acc.editWhat', { what: of.name }) : t('reg.new')}</Heading>
      {of
        ? <p class="muted mono">{of.id}</p>
        : <Field label={t('acc.id')} hint={t('reg.idHint')}><input name="id" type="text" required maxLength={40} pattern="[a-z0-9\-]+" autocomplete="off" spellcheck={false} /></Field>}
      <Field label={t('acc.name')}><input name="name" type="text" required maxLength={120} autocomplete="off" defaultValue={of?.name ?? ''} /></Field>
      <Field label={t('reg.class')}>
        <select name="class"><Options of={CLASSES} value={of?.class ?? 'uav'} text={(c) => code('class', `${c}.long`)} /></select>
      </Field>
      <OperatorField value={whose} onChange={setOperator} />
      <Address of={of} operator={whose} />
      <LostLink of={of} />
      <Checks of={of} />
      {!of && (
        <fieldset class="fields">
          <legend>{t('reg.contact')}</legend>
          <ContactFields of={null} />
        </fieldset>
      )}
      <Failure of={failure} />
      {fault && <div class="error" role="alert">{t(fault)}</div>}
      <div class="actions">
        <button class="button primary" type="submit" disabled={busy} data-testid="save">{t(of ? 'acc.save' : 'reg.register')}</button>
        <button class="button" type="button" onClick={() => close()}>{t('cancel')}</button>
      </div>
    </form>
  );
}
