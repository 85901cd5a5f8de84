// What is done about the breach of a vehicle, in its card: the steps with their
// latency, why nothing is ordered, and what a controller decides. Comes with the orders.

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ladders, type Decision, type Ladder, type LadderStep, type Ladders } from '../api/ladder';
import type { Track } from '../api/types';
import { code, t } from '../i18n/later';
import { announce } from '../state/announce';
import { colleagueName } from '../state/names';
import { actor } from '../state/session';
import { problemText } from './account-bits';
import { Time } from './bits';
import { HoldButton } from './hold-button';
import { latencyText } from './order-offer';
import { onceFor } from './register-input';
import { later } from './later';
import { useRead } from './use-read';

const ContactOf = later<{ id: string }>(() => import('./contact-of').then((m) => m.ContactOf), 'accounts', 'vehicles');

/** States over which a controller can have the ladder go on. */
const CONTINUED: readonly Ladder['state'][] = ['overridden', 'waiting', 'let_be', 'exhausted'];

function Step({ of: s }: { of: LadderStep }) {
  const outcome = s.outcome === 'impossible' || s.outcome === 'unsent' ? code('ladder.outcome', s.outcome) : code('order.state', s.outcome);
  const accepted = s.accepted_at ? Date.parse(s.accepted_at) - Date.parse(s.evidence_at) : null;
  return (
    <li data-step={s.kind} data-outcome={s.outcome}>
      <div><strong>{code('order', s.kind)}</strong> <span class="order-state">{outcome}</span>{s.until_turn && ` · ${t('ladder.until')}`}</div>
      <ol class="order-steps">
        <li>{t('ladder.evidence')} <Time at={s.evidence_at} /></li>
        {s.sent_ms !== null && <li>{t('ladder.sent')} <span class="mono">+{latencyText(s.sent_ms)}</span></li>}
        {accepted !== null && <li>{t('ladder.accepted')} <span class="mono">+{latencyText(accepted)}</span></li>}
        {s.effect_ms !== null && <li>{t('ladder.effect')} <span class="mono">+{latencyText(s.effect_ms)}</span></li>}
      </ol>
      {s.why && <div class="small" lang="en">{s.why}</div>}
    </li>
  );
}

/** What a controller decides: held, with a reason. */
function Decide({ id, l, waits }: { id: string; l: Ladder; waits: number }) {
  const reason = useRef<HTMLInputElement>(null);
  const hint = useId();
  const [wrong, fail] = useState('');
  const press = (name: string, label: string, call: (reason: string) => Promise<unknown>, strong?: boolean) => (
    <HoldButton
      key={name} name={`ladder-${name}`} label={label} hint={hint} strong={strong}
      begun={async () => {
        if (reason.current?.value.trim()) return true;
        fail(t('ladder.needsReason'));
        reason.current?.focus();
        return false;
      }}
      fire={() => void call(reason.current?.value.trim() ?? '').then(
        () => {
          announce(t('ladder.done', { what: label }));
          fail('');
          if (reason.current) reason.current.value = '';
        },
        (err) => fail(problemText(err)))}
    />
  );
  const decide = (what: Decision) => press(what, t(`ladder.${what}`),
    (why) => ladders.decide(id, what, why, onceFor()({ what, why })), what === 'continue');
  return (
    <>
      <div class="error" role="alert">{wrong}</div>
      <label class="field">
        <span>{t('ladder.reason')}</span>
        {/* Not at the press: the button would move away from under the pointer. */}
        <input ref={reason} type="text" maxLength={500} data-testid="ladder-reason" onInput={() => fail('')} />
      </label>
      {l.state === 'held_back' && waits > 0 && <p class="small muted">{t('ladder.confirmNote', { count: waits })}</p>}
      <div class="actions order-buttons">
        {l.state === 'held_back' && waits > 0 && press('confirm', t('ladder.confirm'), (why) => ladders.confirm(why, onceFor()({ why })), true)}
        {CONTINUED.includes(l.state) && decide('continue')}
        {l.state !== 'let_be' && decide('let_be')}
      </div>
      <p class="small muted" id={hint}>{t('order.hint')}</p>
    </>
  );
}

function Panel({ id, l, all }: { id: string; l: Ladder; all: Ladders }) {
  const told = useRef(l.state);
  useEffect(() => {
    if (told.current !== l.state) announce(t('ladder.became', { state: code('ladder.state', l.state) }), l.call !== '');
    told.current = l.state;
  }, [l.state]);
  const steps = l.steps ?? [];
  return (
    <section class="order-panel" aria-label={t('ladder.title')} data-testid="ladder" data-state={l.state} data-open={l.open}>
      <h3>{t('ladder.title')}</h3>
      {all.mode !== 'act' && <p class="note">{code('ladder.mode', all.mode)}</p>}
      <p>
        <strong>{l.fence.fence_name}</strong> · {t('ladder.asks', { response: code('ladder.response', l.fence.response) })} · <strong>{code('ladder.state', l.state)}</strong> · <Time at={l.changed_at} />
      </p>
      {l.why && <p class="small" lang="en">{l.why}</p>}
      {l.call && <p class="error" data-testid="ladder-call">{t('ladder.call')} <span lang="en">{l.call}</span></p>}
      {l.call && l.open && <ContactOf id={id} />}
      {l.took_from && <p class="small">{t('ladder.tookFrom', { person: colleagueName(l.took_from) })}</p>}
      {steps.length > 0 ? <ul class="plain orders">{steps.map((s, i) => <Step key={i} of={s} />)}</ul> : <p class="small muted">{t('ladder.none')}</p>}
      {l.decision && <p class="small">{t('ladder.decided', { by: colleagueName(l.decision.by), what: t(`ladder.${l.decision.decision}`), reason: l.decision.reason })}</p>}
      {l.open && actor.value?.scopes?.includes('zone.control') && <Decide id={id} l={l} waits={all.waits} />}
    </section>
  );
}

/** The newest breach that more than an alert came of; nothing when there was none. */
export function Enforced({ track }: { track: Track }) {
  const { value } = useRead(track.id, ladders.of);
  const l = value?.items?.[0];
  return value && l ? <Panel key={l.id} id={track.id} l={l} all={value} /> : null;
}
