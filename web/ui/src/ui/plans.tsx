// What a vehicle carries, in its card: mission, fences and rally points, whether they
// are in step, and the zone's fences to send. Loaded when the first card is shown.

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { plans, type Plan, type PlanInput, type PlanKind } from '../api/plans';
import type { Track } from '../api/types';
import { code, plural, t } from '../i18n/later';
import { announce } from '../state/announce';
import { actor } from '../state/session';
import { problemText, useAct } from './account-bits';
import { Time } from './bits';
import { HoldButton } from './hold-button';
import { handOf } from './order-offer';
import { Carried } from './plan-carried';
import { FromFile, ToFile } from './plan-file';
import { useRead } from './use-read';

/** The last word on a plan is said aloud: it may come minutes after the press. */
function useSaid(items: readonly Plan[] | undefined): void {
  const told = useRef(new Map<PlanKind, string>());
  useEffect(() => {
    for (const p of items ?? []) {
      const before = told.current.get(p.kind);
      told.current.set(p.kind, p.state);
      if (before === 'uploading' && p.state !== 'uploading') {
        announce(t('plan.became', { kind: code('plan', p.kind), state: code('plan.state', p.state) }), p.state === 'failed');
      }
    }
  }, [items]);
}

function Parts({ of: p }: { of: Plan }) {
  const parts = p.parts ?? [];
  if (parts.length === 0) return null;
  return (
    <details data-testid="plan-parts">
      <summary>{t('plan.parts')}</summary>
      <ul class="plain small">
        {parts.map((f) => (
          <li key={f.fence_id}>
            {f.name || f.fence_id}: {f.first_item === null ? t('plan.part.no') : plural('plan.items', f.item_count)}
            {(f.lost ?? []).map((l) => ` · ${code('plan.lost', l)}`)}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Row({ of: p, read, busy }: { of: Plan; read: (() => void) | null; busy: boolean }) {
  const kind = code('plan', p.kind);
  return (
    <li data-plan={p.kind} data-state={p.state}>
      <div class="actions">
        <span><strong>{kind}</strong> <span class={`plan-state plan-${p.state}`}>{code('plan.state', p.state)}</span>
          {p.known && p.state !== 'none' && ` · ${plural('plan.items', p.item_count)}`}
          {p.item !== null && ` · ${t('plan.at', { n: p.item })}`}
        </span>
        <span class="spacer" />
        {read && (
          <button class="button" type="button" disabled={busy || p.state === 'uploading'} aria-label={t('plan.readKind', { kind })} data-testid={`read-${p.kind}`} onClick={read}>
            {t('plan.read')}
          </button>
        )}
      </div>
      {p.progress !== null && <progress max={1} value={p.progress} aria-label={kind} />}
      {p.read_at && p.known && <div class="small muted">{t('plan.readAt')} <Time at={p.read_at} /></div>}
      {p.enabled && <div class="small">{t('plan.acts')}</div>}
      {p.why && <div class="small" lang="en">{p.why}</div>}
      {p.kind === 'fence' && <Parts of={p} />}
    </li>
  );
}

function Send({ track, fence, refused }: { track: Track; fence: Plan | undefined; refused: (err: unknown) => void }) {
  const [enable, setEnable] = useState(true);
  const [moving, setMoving] = useState(false);
  const hint = useId();
  const body: PlanInput = { from: 'zone', ...(enable && { enable }), ...(moving && { moving }) };
  const kind = code('plan', 'fence');
  const run = async (work: () => Promise<unknown>) => {
    refused(null);
    try {
      await work();
      announce(t('plan.sent', { kind }));
    } catch (err) {
      refused(err);
    }
  };
  return (
    <>
      <label class="check"><input type="checkbox" checked={enable} onChange={(e) => setEnable(e.currentTarget.checked)} /> {t('plan.enable')}</label>
      {track.armed && (
        <label class="check"><input type="checkbox" checked={moving} data-testid="plan-moving" onChange={(e) => setMoving(e.currentTarget.checked)} /> {t('plan.moving')}</label>
      )}
      <div class="actions">
        <HoldButton
          name="plan-upload" label={t('plan.upload')} hint={hint}
          begun={async () => {
            refused(null);
            try {
              const faults = (await plans.attempt(track.id, 'fence', body)).faults ?? [];
              if (faults.length === 0) return true;
              refused(faults);
            } catch (err) {
              // Tried all the same when it is not known whether it will do.
              if (!(err instanceof ApiError) || ![403, 404, 409].includes(err.status)) return true;
              refused(err);
            }
            return false;
          }}
          fire={() => void run(() => plans.put(track.id, 'fence', body))}
        />
        {fence?.known && fence.item_count > 0 && (
          <HoldButton name="plan-clear" label={t('plan.clear')} hint={hint} strong begun={() => Promise.resolve(true)} fire={() => void run(() => plans.clear(track.id, 'fence', moving))} />
        )}
      </div>
      <p class="small muted" id={hint}>{t('order.hint')}</p>
      <FromFile track={track} moving={moving} />
    </>
  );
}

function refusalText(err: unknown): string {
  if (Array.isArray(err)) return [code('problem', 'plan_refused'), ...err.map((f: { text: string }) => f.text)].join(' ');
  return err instanceof ApiError && err.code === 'vehicle_moves' ? err.message : problemText(err);
}

/** What a vehicle carries; to send and to read back for those who may order it. */
export function Plans({ track }: { track: Track }) {
  const { value, error } = useRead(track.id, plans.of);
  const [refused, refuse] = useState<unknown>(null);
  const { busy, failure, act } = useAct();
  const items = value?.items ?? undefined;
  useSaid(items);
  if (!track.verified) return null; // nothing is ever sent to it, and it is asked nothing
  const hand = handOf(actor.value, track.operator);
  const wrong = refused ?? failure ?? (value ? null : error);
  return (
    <section class="plan-panel" aria-label={t('plan.title')} data-testid="plan-panel">
      <h3>{t('plan.title')}</h3>
      <div class="error" role="alert">{wrong ? refusalText(wrong) : ''}</div>
      {items && (
        <ul class="plain plans">
          {items.map((p) => <Row key={p.kind} of={p} busy={busy} read={hand ? () => void act(() => plans.read(track.id, p.kind)) : null} />)}
        </ul>
      )}
      {items && <Carried id={track.id} items={items} />}
      {items?.some((p) => p.known && p.item_count > 0) && <ToFile id={track.id} />}
      {!items && !error && <p class="muted">{t('card.loading')}</p>}
      {hand && items && <Send track={track} fence={items.find((p) => p.kind === 'fence')} refused={refuse} />}
    </section>
  );
}
