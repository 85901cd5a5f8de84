// The applicant's wizard: five steps over one form. The draft is saved on the server with
// each step; after a pause in editing the rules are asked, and what they say stands beside
// its field and, all at once, in the last step.

import type { ComponentType } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../i18n/later';
import { announce } from '../state/announce';
import { permitsApi } from '../api/permits';
import { Failure, Heading, useAct } from './account-bits';
import { FaultLine } from './permit-bits';
import { check, checkFailed, checking, dirty, edit, faults, form, inputFaults, isStale, kind, leave, opened, pack, placed, save, saved, step } from './permit-draft';
import { STEPS, stepOf, type Step } from './permit-form';
import { SaysStep } from './permit-says';
import { WhatStep, WhoStep } from './permit-what';
import { WhereStep } from './permit-where';
import { PackNote, words } from './permit-words';

const shown: Record<Step, ComponentType> = { what: WhatStep, who: WhoStep, where: WhereStep, says: SaysStep, check: CheckStep };

/** How much speaks against what stands in a step; null: not asked yet. */
function against(s: Step): number | null {
  const typed = inputFaults.value.filter((f) => stepOf(f.item) === s).length;
  if (typed > 0) return typed;
  return faults.value === null ? null : placed.value.filter((f) => stepOf(f.item) === s).length;
}

function CheckStep() {
  const typed = inputFaults.value;
  const said = placed.value;
  return (
    <section aria-label={t('perm.step.check')} data-testid="perm-check">
      <p role="status" data-testid="perm-verdict" data-faults={typed.length + said.length}>
        {typed.length > 0 ? t('perm.typedFaults', { n: typed.length }) : faults.value === null ? t('perm.checkingNow') : said.length === 0 ? t('perm.ready') : t('perm.against', { n: said.length })}
      </p>
      {STEPS.filter((s) => s !== 'check').map((s) => {
        const list = typed.length > 0 ? [] : said.filter((f) => stepOf(f.item) === s);
        const bad = typed.filter((f) => stepOf(f.item) === s);
        if (list.length + bad.length === 0) return null;
        return (
          <section key={s} class="desk-section wide">
            <h3>{t(`perm.step.${s}`)} <button class="link-button" type="button" data-testid={`perm-fix-${s}`} onClick={() => (step.value = s)}>{t('perm.fix', { step: t(`perm.step.${s}`) })}</button></h3>
            <ul class="faults">
              {bad.map((f) => <li key={f.item + f.code}>{t(`perm.in.${f.code}`)} <span class="mono muted small">{f.item}</span></li>)}
              {list.map((f, i) => <li key={i} data-fault={f.item}><FaultLine of={f} /></li>)}
            </ul>
          </section>
        );
      })}
    </section>
  );
}

function Steps({ go }: { go: (s: Step) => void }) {
  return (
    <nav aria-label={t('perm.steps')}>
      <ol class="perm-steps">
        {STEPS.map((s, i) => {
          const n = s === 'check' ? null : against(s);
          return (
            <li key={s}>
              <button class="button" type="button" aria-current={step.value === s ? 'step' : undefined} data-testid={`perm-step-${s}`} onClick={() => go(s)}>
                {i + 1}. {t(`perm.step.${s}`)}{n !== null && <span class={n > 0 ? 'tag tag-warn' : 'tag'}>{n > 0 ? n : '✓'}</span>}
              </button>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

export function PermitWizard() {
  const { busy, failure, act } = useAct();
  const [leaving, setLeaving] = useState(false);
  const Shown = shown[step.value];
  const at = STEPS.indexOf(step.value);
  const p = saved.value;
  const go = (s: Step) => {
    step.value = s;
    void act(save);
    document.querySelector<HTMLElement>('.desk-page')?.scrollTo(0, 0);
  };
  const reload = () => void act(async () => p && edit(await permitsApi.get(p.id)));
  const handIn = () => void act(async () => {
    if (!(await save())) return;
    const id = saved.peek()!.id;
    await permitsApi.submit(id);
    leave();
    opened.value = id;
    announce(t('perm.handedIn'));
  }).then((ok) => {
    if (!ok) void check();
  });
  const out = () => {
    opened.value = saved.peek()?.id ?? '';
    leave();
  };
  const away = async () => {
    let stands = false;
    await act(async () => {
      stands = await save();
    });
    if (stands) out();
    else setLeaving(true);
  };
  return (
    <>
      <Heading>{form.value!.title || t('perm.new')}</Heading>
      {pack.value && <PackNote of={pack.value} />}
      {p?.state === 'information_requested' && <p class="note">{t('perm.asked')}: {(p.decisions ?? []).filter((d) => d.verdict === 'return' && !d.void).map((d) => d.reason).join(' · ')}</p>}
      <Steps go={go} />
      <form class="desk-form perm-form" noValidate aria-label={t(`perm.step.${step.value}`)} data-testid="perm-form" data-step={step.value} onSubmit={(e) => {
        e.preventDefault();
        if (at < STEPS.length - 1) go(STEPS[at + 1]!);
        else handIn();
      }}>
        <h3>{t(`perm.step.${step.value}`)}{kind.value && step.value !== 'what' && <> · {words(kind.value.title)}</>}</h3>
        <div class="fields"><Shown /></div>
        <Failure of={isStale(failure) ? null : failure ?? checkFailed.value} />
        {isStale(failure) && <p class="note" role="alert" data-testid="perm-stale">{t('perm.stale')} <button class="button" type="button" onClick={reload}>{t('perm.reload')}</button></p>}
        <p class="muted small" role="status" data-testid="perm-saved" data-saved={p !== null && !dirty.value}>
          {inputFaults.value.length > 0 ? t('perm.unsaved') : p && !dirty.value ? t('perm.savedRev', { rev: p.rev }) : t('perm.notYet')}{checking.value && <> {t('perm.checkingNow')}</>}
        </p>
        <div class="actions">
          {at > 0 && <button class="button" type="button" data-testid="perm-back" onClick={() => go(STEPS[at - 1]!)}>{t('perm.back')}</button>}
          <button class="button primary" type="submit" disabled={busy || (step.value === 'check' && inputFaults.value.length > 0)} data-testid="perm-next">{t(step.value === 'check' ? 'perm.handIn' : 'perm.next')}</button>
          <button class="button" type="button" disabled={busy} data-testid="perm-later" onClick={() => void away()}>{t('perm.later')}</button>
        </div>
        {leaving && (
          <div class="note" role="alert">
            {t('perm.leaveUnsaved')} <button class="button danger" type="button" data-testid="perm-discard" onClick={out}>{t('perm.discard')}</button>
          </div>
        )}
      </form>
    </>
  );
}

