// One permit as its holder sees it: what is wanted now, where it stands in the procedure,
// who said what, which clocks run, its conditions and history; and what can be done with it.

import { useEffect, useState } from 'preact/hooks';
import { permitsApi, type Assessment, type Pack, type Permit } from '../api/permits';
import { code, t } from '../i18n/later';
import { personName } from '../state/accounts';
import { zoneTz } from '../state/clock';
import { announce } from '../state/announce';
import { Failure, Field, Heading, Table, useAct } from './account-bits';
import { FaultLine } from './permit-bits';
import { edit, opened, pack } from './permit-draft';
import { formOf, policiesForm, policiesOf } from './permit-form';
import { Policies } from './permit-what';
import { clock, clockName, conditionsOf, departmentName, Mark, PackNote, TimeLeft, Wanted, words } from './permit-words';
import { ReviewMap } from './review-map';

const REFRESH_MS = 10_000;

/** Each step of the procedure, with what the departments said in it. */
function Procedure({ of: a, rules }: { of: Assessment; rules: Pack }) {
  const p = a.permit;
  const steps = a.steps ?? [];
  const at = steps.findIndex((s) => s.id === p.step);
  const over = p.state !== 'draft' && at < 0;
  return (
    <section class="desk-section wide" aria-label={t('perm.timeline')}>
      <h3>{t('perm.timeline')}</h3>
      <ol class="perm-timeline" data-testid="perm-timeline">
        {steps.map((s, i) => {
          const state = p.state === 'draft' ? 'ahead' : over || i < at ? 'past' : i === at ? 'now' : 'ahead';
          const said = (p.decisions ?? []).filter((d) => d.step === s.id);
          const clocks = (p.clocks ?? []).filter((c) => c.step === s.id);
          return (
            <li key={s.id} data-step={s.id} data-at={state} {...(state === 'now' && { 'aria-current': 'step' as const })}>
              <strong>{words(s.title)}</strong>{state === 'now' && <span class="tag">{t('perm.now')}</span>}
              {state === 'now' && (p.asked ?? []).length > 0 && <div class="sub">{t('perm.want.waits', { of: p.asked!.map((d) => departmentName(rules, d)).join(', ') })}</div>}
              {clocks.map((c) => <div key={c.id} class="sub">{clockName(rules, c.id)}: <TimeLeft of={c} /> <Mark of={rules.clocks?.[c.id]} /></div>)}
              {said.length > 0 && (
                <ul>
                  {said.map((d, n) => (
                    <li key={n} data-department={d.department}>
                      {departmentName(rules, d.department)}: <strong>{code('rev.verdict', d.verdict)}</strong> · {personName(d.signer)} · {clock(d.at)}
                      {d.reference && <> · {d.reference}</>}{d.reason && <> · {d.reason}</>}{d.void && <> · <span class="tag tag-warn">{t('rev.void')}</span></>}
                    </li>
                  ))}
                </ul>
              )}
            </li>
          );
        })}
      </ol>
      {(p.clocks ?? []).filter((c) => !c.step).length > 0 && (
        <>
          <h3>{t('perm.clocks')}</h3>
          <ul data-testid="perm-clocks">{p.clocks!.filter((c) => !c.step).map((c) => <li key={c.id}>{clockName(rules, c.id)}: <TimeLeft of={c} /> <Mark of={rules.clocks?.[c.id]} /></li>)}</ul>
        </>
      )}
    </section>
  );
}

function Insure({ of: p, again }: { of: Permit; again: () => Promise<unknown> }) {
  const [all, set] = useState(() => policiesForm(p.application.insurance, zoneTz.value));
  const { busy, failure, act } = useAct();
  const { policies, faults } = policiesOf(all, zoneTz.value);
  const kinds = pack.value?.kinds?.find((k) => k.id === p.application.kind)?.insurance ?? [];
  return (
    <details data-testid="perm-insure">
      <summary>{t('perm.insure')}</summary>
      <form class="desk-form" noValidate onSubmit={(e) => {
        e.preventDefault();
        void act(() => permitsApi.insure(p, policies), t('perm.insured')).then((ok) => ok && again());
      }}>
        <Policies all={all} kinds={kinds} set={(x) => set([...x])} />
        {faults.length > 0 && <ul class="error faults">{faults.map((f) => <li key={f.item}>{t(`perm.in.${f.code}`)}</li>)}</ul>}
        <Failure of={failure} />
        <div class="actions"><button class="button primary" type="submit" disabled={busy || faults.length > 0}>{t('perm.insureDo')}</button></div>
      </form>
    </details>
  );
}

function Acts({ of: p, again }: { of: Permit; again: () => Promise<unknown> }) {
  const { busy, failure, act } = useAct();
  const [why, setWhy] = useState('');
  const kind = pack.value?.kinds?.find((k) => k.id === p.application.kind);
  const subtypes = [...new Set((kind?.forms ?? []).map((f) => f.subtype))].filter((s) => !['first', 'recognised'].includes(s));
  const editable = p.state === 'draft' || p.state === 'information_requested';
  const running = ['draft', 'submitted', 'under_review', 'information_requested', 'approved', 'effective', 'suspended'].includes(p.state);
  const follow = (subtype: string) => edit(null, { ...formOf(p.application, zoneTz.value), subtype, replaces: p.id, items: {} });
  return (
    <section class="desk-section wide" aria-label={t('acc.acts')}>
      <div class="actions">
        {editable && <button class="button primary" type="button" data-testid="perm-edit" onClick={() => edit(p)}>{t(p.state === 'draft' ? 'perm.resume' : 'perm.answer')}</button>}
        {editable && <button class="button" type="button" disabled={busy} data-testid="perm-submit" onClick={() => void act(() => permitsApi.submit(p.id), t('perm.handedIn')).then(again)}>{t('perm.handIn')}</button>}
        {['effective', 'approved', 'expired'].includes(p.state) && subtypes.map((s) => <button key={s} class="button" type="button" data-testid={`perm-follow-${s}`} onClick={() => follow(s)}>{t('perm.follow', { what: code('perm.subtype', s) })}</button>)}
        <button class="button" type="button" onClick={() => edit(null, { ...formOf(p.application, zoneTz.value), subtype: 'first', replaces: '' })}>{t('perm.copy')}</button>
      </div>
      {running && (
        <details>
          <summary>{t('perm.withdraw')}</summary>
          <div class="desk-form">
            <Field label={t('rev.reason')} hint={t('rev.reasonHint')}><input type="text" maxLength={500} value={why} data-testid="perm-why" onInput={(e) => setWhy(e.currentTarget.value)} /></Field>
            <div class="actions">
              <button class="button danger" type="button" disabled={busy} data-testid="perm-withdraw" onClick={() => void act(() => permitsApi.withdraw(p.id, why.trim())).then((ok) => {
                if (ok) announce(t('perm.withdrawn'));
                return again();
              })}>{t('perm.withdraw')}</button>
            </div>
          </div>
        </details>
      )}
      <Failure of={failure} />
      {['approved', 'effective', 'suspended'].includes(p.state) && <Insure key={p.rev} of={p} again={again} />}
    </section>
  );
}

export function PermitCase({ id }: { id: string }) {
  const [a, setA] = useState<Assessment | null>(null);
  const [rules, setRules] = useState<Pack | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const read = () => permitsApi.assess(id).then((got) => (setA(got), setFailed(null)), setFailed);
  useEffect(() => {
    void read();
    const timer = window.setInterval(() => void read(), REFRESH_MS);
    return () => window.clearInterval(timer);
  }, [id]);
  // The pack that judges it, which may be older than the one that holds now.
  const packId = a?.permit.pack;
  useEffect(() => {
    if (packId) permitsApi.pack(packId).then(setRules, () => setRules(pack.peek()));
  }, [packId]);
  const back = <div class="desk-bar"><button class="button" type="button" data-testid="perm-list" onClick={() => (opened.value = '')}>{t('perm.toList')}</button></div>;
  if (!a || !rules) return <>{back}<Failure of={failed} />{!failed && <p class="empty" role="status">{t('card.loading')}</p>}</>;
  const p = a.permit;
  const kind = rules.kinds?.find((k) => k.id === p.application.kind);
  const conditions = conditionsOf(p);
  const faults = a.faults ?? [];
  return (
    <>
      {back}
      <Heading>{p.application.title}</Heading>
      <p data-testid="perm-case" data-state={p.state}>
        <strong>{code('rev.state', p.state)}</strong> · {kind ? words(kind.title) : p.application.kind} <Mark of={kind} />{p.tier && <> · {t('rev.tier')}: {code('rev.tier', p.tier)}</>}
      </p>
      <p data-testid="perm-wanted">{t('perm.wanted')}: <Wanted of={p} rules={rules} /></p>
      {!p.override && <PackNote of={rules} />}
      <p>{t('rev.time')}: {clock(p.application.from)} – {clock(p.application.to)} ({zoneTz.value}) · {t('rev.vehicles')}: {(p.application.vehicles ?? []).join(', ') || '–'}</p>
      <Acts of={p} again={read} />
      {p.conditions && (
        <section class="desk-section wide">
          <h3>{t('perm.conditions')}</h3>
          <ul data-testid="perm-conditions">{conditions.map((c) => <li key={c}>{c}</li>)}</ul>
        </section>
      )}
      <Procedure of={a} rules={rules} />
      {(p.state === 'draft' || p.state === 'information_requested') && (
        <section class="desk-section wide">
          <h3>{t('rev.checks')}</h3>
          {faults.length === 0 ? <p>{t('rev.checks.ok')}</p> : <ul data-testid="perm-case-faults">{faults.map((f, i) => <li key={i}><FaultLine of={f} /></li>)}</ul>}
        </section>
      )}
      <ReviewMap of={a} />
      <section class="desk-section wide">
        <h3>{t('perm.history')}</h3>
        <Table label={t('perm.history')} heads={[t('perm.at'), t('perm.act'), t('perm.state'), t('rev.reason')]}>
          {[...(p.history ?? [])].reverse().map((e, i) => (
            <tr key={i}><td class="wrap">{clock(e.at)}</td><td class="wrap">{code('perm.did', e.act)}<div class="sub">{e.by ? personName(e.by) : t('perm.byClock')}</div></td><td class="wrap">{code('rev.state', e.state)}</td><td class="wrap">{e.reason}</td></tr>
          ))}
        </Table>
      </section>
    </>
  );
}
