// Suspend, revoke and resume a permit, and the override of a pack that is not in force.
// Whom it meets is shown before it is done.

import { useState } from 'preact/hooks';
import { reviewsApi, type Assessment, type Permit } from '../api/reviews';
import { code, t } from '../i18n/later';
import { may } from '../state/accounts';
import { Failure, Field, useAct } from './account-bits';

/** What a preview may say of the vehicles, where the server says it. */
interface Previewed { preview?: { vehicles?: { vehicle?: string; id?: string; moving?: boolean }[] | null } }

type Halt = 'suspend' | 'revoke';

export function ReviewHalt({ of: a, again }: { of: Assessment; again: () => Promise<unknown> }) {
  const p = a.permit;
  const [reason, setReason] = useState('');
  const [endNow, setEndNow] = useState(false);
  const [seen, setSeen] = useState<{ of: Halt; then: Permit } | null>(null);
  const { busy, failure, act } = useAct();
  const decides = may('permit.decide') && a.department !== '';
  const halts = (p.state === 'effective' && (decides || may('zone.control'))) || (['approved', 'suspended'].includes(p.state) && decides);
  const overrides = may('zone.control') && p.pack_status !== 'in_force' && p.pack_status !== 'missing' && !p.override && ['submitted', 'under_review', 'approved'].includes(p.state);
  if (!halts && !overrides) return null;
  const change = (what: () => void) => {
    setSeen(null);
    what();
  };
  const done = (work: () => Promise<unknown>, said: string) => () => void act(async () => {
    await work();
    setSeen(null);
    await again();
  }, said);
  const look = (of: Halt) => () => void act(async () => setSeen({ of, then: await reviewsApi[of](p.id, reason, endNow, true) }));
  const told = (seen?.then as Previewed | undefined)?.preview?.vehicles;
  const moving = told?.filter((v) => v.moving !== false).map((v) => v.vehicle ?? v.id ?? '').join(', ');
  const all = (p.conditions?.vehicles ?? p.application.vehicles ?? []).join(', ');
  const state = seen ? code('rev.state', seen.then.state) : '';
  return (
    <form class="desk-form" noValidate data-testid="rev-halt" onSubmit={(e) => e.preventDefault()}>
      <h3>{t(halts ? 'rev.halt' : 'rev.override')}</h3>
      <Field label={t('rev.reason')} hint={t('rev.reasonHint')}>
        <input type="text" maxLength={500} value={reason} data-testid="halt-reason" onInput={(e) => { const v = e.currentTarget.value; change(() => setReason(v)); }} />
      </Field>
      {halts && (
        <fieldset>
          <legend>{t('rev.halt')}</legend>
          <label class="check"><input type="radio" name="how" checked={!endNow} onChange={() => change(() => setEndNow(false))} />{t('rev.recover')}</label>
          <label class="check"><input type="radio" name="how" checked={endNow} data-testid="halt-now" onChange={() => change(() => setEndNow(true))} />{t('rev.end_now')}</label>
        </fieldset>
      )}
      <Failure of={failure} />
      <p role="status" class={seen ? 'note' : 'muted'} data-testid="halt-meets">
        {seen && (told ? t('rev.meetsMoving', { state, of: moving || t('rev.meetsNone') }) : t('rev.meets', { state, of: all || t('rev.meetsNone') }))}
      </p>
      <div class="actions">
        {overrides && <button class="button danger" type="button" disabled={busy || !reason} data-testid="rev-override" onClick={done(() => reviewsApi.override(p.id, reason), t('rev.overridden'))}>{t('rev.override')}</button>}
        {halts && (['suspend', 'revoke'] as const).filter((of) => (of === 'suspend' ? p.state === 'effective' : decides)).map((of) => (
          seen?.of === of
            ? <button key={of} class="button danger" type="button" disabled={busy} data-testid={`rev-${of}`} onClick={done(() => reviewsApi[of](p.id, reason, endNow), t('rev.done', { what: t(`rev.${of}`) }))}>{t(`rev.${of}`)}</button>
            : <button key={of} class="button" type="button" disabled={busy || !reason} data-testid={`look-${of}`} onClick={look(of)}>{t(`rev.${of}`)}: {t('rev.preview')}</button>
        ))}
        {halts && decides && p.state === 'suspended' && <button class="button" type="button" disabled={busy || !reason} data-testid="rev-resume" onClick={done(() => reviewsApi.resume(p.id, reason), t('rev.done', { what: t('rev.resume') }))}>{t('rev.resume')}</button>}
      </div>
    </form>
  );
}
