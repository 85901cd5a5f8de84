// First step of the wizard: what kind of permit, for what, and when. Second: with which
// vehicles and people, and how they are insured. All choices come from the rule pack.

import { useEffect, useState } from 'preact/hooks';
import { permitsApi, type Permit } from '../api/permits';
import { register, type RegisteredVehicle } from '../api/register';
import { code, t } from '../i18n/later';
import { actor } from '../state/session';
import { Failure } from './account-bits';
import { FaultsAt } from './permit-bits';
import { change, form, kind, pack } from './permit-draft';
import { Check, Pick, replaced, Span, Text, When, without } from './permit-fields';
import { newPolicy, type PermitForm } from './permit-form';
import { Mark, words } from './permit-words';

/** Which permit a renewal or change is of. */
function Replaces({ of: f }: { of: PermitForm }) {
  const [own, setOwn] = useState<readonly Permit[]>([]);
  const [failed, setFailed] = useState<unknown>(null);
  useEffect(() => void permitsApi.page({ kind: f.kind }, 200).then((p) => setOwn(p.items ?? []), setFailed), [f.kind]);
  const all = own.filter((p) => ['effective', 'approved', 'suspended', 'expired'].includes(p.state)).map((p) => ({ value: p.id, label: `${p.application.title} · ${code('rev.state', p.state)}` }));
  if (f.replaces && !all.some((c) => c.value === f.replaces)) all.push({ value: f.replaces, label: f.replaces });
  return (
    <>
      <Failure of={failed} />
      <Pick label={t('perm.replaces')} id="perm-replaces" value={f.replaces} all={all} none={t('perm.choose')} set={(replaces) => change({ replaces })} />
      <FaultsAt at="replaces" />
    </>
  );
}

export function WhatStep() {
  const f = form.value!;
  const p = pack.value!;
  const k = kind.value;
  const subtypes = [...new Set((k?.forms ?? []).map((x) => x.subtype))];
  return (
    <>
      <Pick label={t('perm.kind')} id="perm-kind" value={f.kind} none={t('perm.choose')} all={(p.kinds ?? []).map((x) => ({ value: x.id, label: words(x.title) }))} set={(id) => {
        const next = p.kinds?.find((x) => x.id === id);
        change({ kind: id, crew: next?.crews?.[0] ?? '', subtype: next?.forms?.[0]?.subtype ?? 'first', insurance: (next?.insurance ?? []).map(newPolicy) });
      }} />
      {k && <p class="muted small"><Mark of={k} /></p>}
      <FaultsAt at="kind" />
      {k && (
        <>
          <div class="field-row">
            <Pick label={t('perm.subtype')} id="perm-subtype" value={f.subtype} all={subtypes.map((s) => ({ value: s, label: code('perm.subtype', s) }))} set={(subtype) => change({ subtype })} />
            {(k.crews ?? []).length > 0 && <Pick label={t('perm.crew')} id="perm-crew" value={f.crew} all={k.crews!.map((c) => ({ value: c, label: code('perm.crew', c) }))} set={(crew) => change({ crew })} />}
          </div>
          <FaultsAt at="subtype" /><FaultsAt at="crew" />
          {!['first', 'recognised'].includes(f.subtype) && <Replaces of={f} />}
          <Text label="perm.title" id="perm-title" value={f.title} set={(title) => change({ title })} hint={t('perm.titleHint')} />
          <FaultsAt at="title" />
          <Text label="perm.scenario" id="perm-scenario" value={f.scenario} max={60} list="perm-scenarios" set={(scenario) => change({ scenario })} />
          <datalist id="perm-scenarios">{(p.scenarios ?? []).map((s) => <option key={s} value={s} />)}</datalist>
          <Span id="perm" of={f} set={(s) => change(s)} />
          <FaultsAt at="window" />
          {k.domain === 'uav' && <Check label={t('perm.emergency')} id="perm-emergency" on={f.emergency} set={(emergency) => change({ emergency })} />}
        </>
      )}
    </>
  );
}

function Vehicles({ of: f, domain }: { of: PermitForm; domain: string }) {
  const [own, setOwn] = useState<readonly RegisteredVehicle[] | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  useEffect(() => void register.vehicles(false).then((all) => setOwn(all.filter((v) => v.operator === actor.value?.organisation && (domain === 'site' || v.class === domain))), setFailed), [domain]);
  const gone = f.vehicles.filter((id) => own && !own.some((v) => v.id === id));
  const box = (id: string, label: string) => (
    <Check key={id} label={label} id={`perm-vehicle-${id}`} on={f.vehicles.includes(id)} set={(on) => change({ vehicles: on ? [...f.vehicles, id] : f.vehicles.filter((x) => x !== id) })} />
  );
  return (
    <fieldset>
      <legend>{t('perm.vehicles')}</legend>
      <Failure of={failed} />
      {own?.length === 0 && <p class="muted">{t('perm.vehicles.none')}</p>}
      <div class="choices many">{(own ?? []).map((v) => box(v.id, `${v.name || v.id} (${v.id})`))}{gone.map((id) => box(id, id))}</div>
      <FaultsAt at="vehicles" />
    </fieldset>
  );
}

function People({ of: f }: { of: PermitForm }) {
  return (
    <fieldset>
      <legend>{t('perm.people')}</legend>
      <p class="muted small">{t('perm.peopleHint')}</p>
      {f.people.map((p, i) => {
        const set = (part: Partial<typeof p>) => change({ people: replaced(f.people, i, { ...p, ...part }) });
        return (
          <div key={i} class="perm-one" role="group" aria-label={`${t('perm.people')} ${i + 1}`}>
            <div class="field-row">
              <Text label="perm.ref" id={`perm-ref-${i}`} value={p.ref} max={60} set={(ref) => set({ ref })} />
              <Text label="perm.role" id={`perm-role-${i}`} value={p.role} max={60} list="perm-roles" set={(role) => set({ role })} />
            </div>
            <div class="field-row">
              <Text label="perm.licence" id={`perm-licence-${i}`} value={p.licence} max={60} set={(licence) => set({ licence })} />
              <When label="perm.licenceTo" id={`perm-licence-to-${i}`} value={p.licenceTo} set={(licenceTo) => set({ licenceTo })} />
            </div>
            <FaultsAt at={`people/${i}`} />
            <button class="link-button" type="button" onClick={() => change({ people: without(f.people, i) })}>{t('perm.removePerson', { n: i + 1 })}</button>
          </div>
        );
      })}
      <datalist id="perm-roles">{['remote_pilot', 'safety_officer', 'master'].map((r) => <option key={r} value={r}>{code('perm.role', r)}</option>)}</datalist>
      <button class="button" type="button" data-testid="perm-person-add" onClick={() => change({ people: [...f.people, { ref: '', role: '', licence: '', licenceTo: '' }] })}>{t('perm.personAdd')}</button>
      <FaultsAt at="people" only />
    </fieldset>
  );
}

/** The policies of a form: of the wizard, and of a permit that is in force. */
export function Policies({ all, kinds, set }: { all: PermitForm['insurance']; kinds: readonly string[]; set: (p: PermitForm['insurance']) => void }) {
  const named = (id: string) => pack.value?.insurance?.find((x) => x.id === id);
  const text = (id: string) => (named(id) ? words(named(id)!.title) : id);
  return (
    <fieldset>
      <legend>{t('perm.insurance')}</legend>
      <p class="muted small">{t('perm.insuranceHint')}</p>
      {all.map((p, i) => {
        const put = (part: Partial<typeof p>) => set(replaced(all, i, { ...p, ...part }));
        const rule = named(p.kind);
        return (
          <div key={i} class="perm-one" role="group" aria-label={`${text(p.kind)} ${i + 1}`}>
            <strong>{text(p.kind)}</strong> <Mark of={rule} />{rule && rule.per_vehicle_cny > 0 && <> {t('perm.sumNeeded', { cny: String(rule.per_vehicle_cny) })}</>}
            <div class="field-row">
              <Text label="perm.insurer" id={`perm-insurer-${i}`} value={p.insurer} set={(insurer) => put({ insurer })} />
              <Text label="perm.number" id={`perm-policy-${i}`} value={p.number} max={60} set={(number) => put({ number })} />
              <Text label="perm.sum" id={`perm-sum-${i}`} numeric value={p.sum} set={(sum) => put({ sum })} />
            </div>
            <Span id={`perm-policy-${i}`} of={p} set={(s) => put(s)} />
            {rule?.or_guarantee && <Check label={t('perm.guarantee')} id={`perm-guarantee-${i}`} on={p.guarantee} set={(guarantee) => put({ guarantee })} />}
            <FaultsAt at={`insurance/${i}`} />
            <button class="link-button" type="button" onClick={() => set(without(all, i))}>{t('perm.removePolicy', { title: text(p.kind) })}</button>
          </div>
        );
      })}
      <div class="actions">
        {kinds.map((id) => <button key={id} class="button" type="button" data-testid={`perm-policy-add-${id}`} onClick={() => set([...all, newPolicy(id)])}>{t('perm.policyAdd', { title: text(id) })}</button>)}
      </div>
      <FaultsAt at="insurance" only />
    </fieldset>
  );
}

export function WhoStep() {
  const f = form.value!;
  const k = kind.value;
  if (!k) return <p class="empty">{t('perm.kindFirst')}</p>;
  return (
    <>
      <Vehicles of={f} domain={k.domain} />
      <People of={f} />
      {(k.insurance ?? []).length > 0 && <Policies all={f.insurance} kinds={k.insurance!} set={(insurance) => change({ insurance })} />}
    </>
  );
}

