// What a department says: the verdict, its reason, conditions and judgements. The
// signature names the revision that is on show.

import { useState } from 'preact/hooks';
import { reviewsApi, type Assessment, type Conditions, type Said, type Verdict } from '../api/reviews';
import { t } from '../i18n/later';
import { announce } from '../state/announce';
import { Failure, Field, isCode, texts, useAct } from './account-bits';

const needsReason = (v: Verdict) => v === 'return' || v === 'reject' || v === 'advise_against';

function saidBy(form: FormData, a: Assessment, verdict: Verdict): Said {
  const judgements: Record<string, boolean> = {};
  for (const j of a.judgements ?? []) {
    const v = texts(form, `judge-${j}`);
    if (v) judgements[j] = v === 'yes';
  }
  const [reason, reference] = [texts(form, 'reason'), texts(form, 'reference')];
  const out: Said = { verdict, doc_hash: a.permit.doc_hash, ...(reason && { reason }), ...(reference && { reference }), ...(Object.keys(judgements).length && { judgements }) };
  if (verdict !== 'approve_with_conditions') return out;
  const [speed, ceiling, note] = [Number(texts(form, 'speed')), texts(form, 'ceiling'), texts(form, 'note')];
  const conditions: Conditions = {
    ...(speed > 0 && { speed_mps: speed }),
    ...(ceiling && { ceiling: { m: Number(ceiling), datum: datumOf(a) } }),
    ...(form.get('observer') && { observer: true }),
    ...(note && { notes: [note] }),
  };
  return { ...out, conditions };
}

type Datum = NonNullable<Conditions['ceiling']>['datum'];
const datumOf = (a: Assessment): Datum => a.permit.application.volumes?.find((v) => v.ceiling)?.ceiling?.datum ?? 'amsl';

export function ReviewSign({ of: a, again }: { of: Assessment; again: (stale?: boolean) => Promise<unknown> }) {
  const may = (a.may ?? []) as Verdict[];
  const [verdict, setVerdict] = useState<Verdict | undefined>(may[0]);
  const { busy, failure, act } = useAct();
  if (!a.department) return null;
  if (may.length === 0) return <p class="muted" data-testid="rev-not-asked">{t('rev.notAsked')}</p>;
  if (a.hindered) return <p class="note" data-testid="rev-hindered">{t('rev.hindered', { why: a.hindered })}</p>;
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!verdict) return;
    const said = saidBy(new FormData(e.currentTarget as HTMLFormElement), a, verdict);
    await act(async () => {
      try {
        await reviewsApi.say(a.permit.id, said);
      } catch (err) {
        if (!isCode(err, 'permit_changed')) throw err;
        await again(true);
        return;
      }
      announce(t('rev.signed', { dept: a.department }));
      await again();
    });
  };
  return (
    <form class="desk-form" noValidate data-testid="rev-form" onSubmit={(e) => void submit(e)}>
      <h3>{t('rev.sign', { dept: a.department })}</h3>
      {(a.last ?? []).length > 0 && <p class="note">{t('rev.last', { of: a.last!.join(', ') })}</p>}
      <Field label={t('rev.verdict')}>
        <select name="verdict" value={verdict} data-testid="rev-verdict" onChange={(e) => setVerdict(e.currentTarget.value as Verdict)}>
          {may.map((v) => <option key={v} value={v}>{t(`rev.verdict.${v}`)}</option>)}
        </select>
      </Field>
      <Field label={t('rev.reason')} hint={t('rev.reasonHint')}>
        <input name="reason" type="text" maxLength={500} required={!!verdict && needsReason(verdict)} data-testid="rev-reason" />
      </Field>
      <Field label={t('rev.reference')}><input name="reference" type="text" maxLength={200} data-testid="rev-reference" /></Field>
      {(a.judgements ?? []).length > 0 && (
        <fieldset>
          <legend>{t('rev.judge')}</legend>
          <div class="field-row">
            {a.judgements!.map((j) => (
              <Field key={j} label={t(`rev.judge.${j as 'necessary'}`)}>
                <select name={`judge-${j}`} data-testid={`judge-${j}`}>
                  <option value="">{t('rev.judge.open')}</option>
                  <option value="yes">{t('rev.judge.yes')}</option>
                  <option value="no">{t('rev.judge.no')}</option>
                </select>
              </Field>
            ))}
          </div>
        </fieldset>
      )}
      {verdict === 'approve_with_conditions' && (
        <div class="field-row">
          <Field label={t('rev.speed')}><input name="speed" type="text" inputMode="decimal" data-testid="rev-speed" /></Field>
          <Field label={t('rev.ceiling', { datum: datumOf(a) })}><input name="ceiling" type="text" inputMode="decimal" /></Field>
          <Field label={t('rev.note')}><input name="note" type="text" maxLength={200} /></Field>
          <label class="check"><input name="observer" type="checkbox" />{t('rev.observer')}</label>
        </div>
      )}
      <Failure of={failure} />
      <div class="actions"><button class="button primary" type="submit" disabled={busy || !verdict} data-testid="rev-sign">{t('rev.sign', { dept: a.department })}</button></div>
    </form>
  );
}
