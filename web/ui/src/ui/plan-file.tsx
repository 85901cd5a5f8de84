// Plans of a file of a ground station: read by the server, judged by it item by item
// for this vehicle, and sent by holding a button.

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { planFiles, plans, type PlanFault, type PlanFile, type PlanInput, type PlanItem } from '../api/plans';
import type { Track } from '../api/types';
import { code, formatNumber, plural, t } from '../i18n/later';
import { placeOf } from '../map/plan-shape';
import { announce } from '../state/announce';
import { problemText } from './account-bits';
import { HoldButton } from './hold-button';

type Part = NonNullable<PlanFile['plans']>[number];
const SHOWN = 200;
const MAX_BYTES = 8 << 20;

/** The items of a plan; faults: with what speaks against them. */
export function PlanItems({ kind, items, faults }: { kind: string; items: readonly PlanItem[]; faults: readonly PlanFault[] | null }) {
  const number = (v: number | null | undefined, digits: number) => (v === null || v === undefined ? '–' : formatNumber(v, digits));
  return (
    <div class="table-scroll" role="region" aria-label={t('plan.file.items', { kind: code('plan', kind) })} tabIndex={0}>
      <table class="table small" data-testid={`${faults ? 'file' : 'carried'}-items-${kind}`}>
        <thead><tr>
          <th scope="col">#</th><th scope="col">{t('plan.file.command')}</th><th scope="col">{t('plan.file.place')}</th>
          <th scope="col">{t('plan.file.height')}</th>{faults && <th scope="col">{t('plan.file.against')}</th>}
        </tr></thead>
        <tbody>
          {items.slice(0, SHOWN).map((x, n) => {
            const own = (faults ?? []).filter((f) => f.item === n + 1);
            const p = x.params ?? [];
            return (
              <tr key={n} data-faults={own.length}>
                <td class="num">{n + 1}</td>
                <td class="num">{x.command}</td>
                <td class="num">{placeOf(x) ? `${number(p[4], 6)}, ${number(p[5], 6)}` : '–'}</td>
                <td class="num">{placeOf(x) ? number(p[6], 1) : '–'}</td>
                {faults && <td class="wrap" lang="en">{own.map((f) => f.text).join('; ')}</td>}
              </tr>
            );
          })}
        </tbody>
      </table>
      {items.length > SHOWN && <p class="muted">{plural('plan.file.more', items.length - SHOWN)}</p>}
    </div>
  );
}

/** One kind of plan of the file: what the checks say, and the button. */
function Kind({ track, of: part, moving }: { track: Track; of: Part; moving: boolean }) {
  const [faults, setFaults] = useState<readonly PlanFault[] | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const hint = useId();
  const body: PlanInput = { items: part.items, ...(moving && { moving }) };
  const kind = code('plan', part.kind);
  const check = async (): Promise<boolean> => {
    try {
      const found = (await plans.attempt(track.id, part.kind, body)).faults ?? [];
      setFailure(null);
      setFaults(found);
      return found.length === 0;
    } catch (err) {
      setFailure(err);
      setFaults(null);
      return false;
    }
  };
  useEffect(() => void check(), [part, moving]);
  const general = (faults ?? []).filter((f) => f.item === null);
  return (
    <li data-file-kind={part.kind} data-faults={faults?.length ?? ''}>
      <strong>{kind}</strong> · {plural('plan.items', part.items?.length ?? 0)}
      <div role="status" class={faults?.length ? 'error' : 'small'}>
        {faults && (faults.length === 0 ? t('plan.file.good') : plural('plan.file.faults', faults.length))}
      </div>
      <div class="error" role="alert">{failure ? problemText(failure) : ''}</div>
      {general.length > 0 && <ul class="plain small" lang="en">{general.map((f) => <li key={f.text}>{f.text}</li>)}</ul>}
      <PlanItems kind={part.kind} items={part.items ?? []} faults={faults ?? []} />
      <div class="actions">
        <HoldButton name={`file-send-${part.kind}`} label={t('plan.file.send', { kind })} hint={hint} begun={check} fire={() => {
          void plans.put(track.id, part.kind, body).then(() => announce(t('plan.sent', { kind })), setFailure);
        }} />
      </div>
      <p class="small muted" id={hint}>{t('order.hint')}</p>
    </li>
  );
}

export function FromFile({ track, moving }: { track: Track; moving: boolean }) {
  const [file, setFile] = useState<PlanFile | null>(null);
  const [failure, setFailure] = useState<string>('');
  const newest = useRef(0);
  const read = async (chosen: File | undefined) => {
    const mine = ++newest.current;
    setFile(null);
    setFailure(chosen && chosen.size > MAX_BYTES ? t('plan.file.tooLarge') : '');
    if (!chosen || chosen.size > MAX_BYTES) return;
    try {
      const answer = await planFiles.read(track.id, chosen);
      if (newest.current === mine) setFile(answer);
    } catch (err) {
      if (newest.current === mine) setFailure(err instanceof Error ? err.message : problemText(err));
    }
  };
  return (
    <details data-testid="plan-file">
      <summary>{t('plan.file.title')}</summary>
      <label class="field">
        <span>{t('plan.file.choose')}</span>
        <input type="file" accept=".plan,.waypoints,.txt,.json" data-testid="plan-file-input" onChange={(e) => void read(e.currentTarget.files?.[0])} />
      </label>
      <p class="error" role="alert" lang="en">{failure}</p>
      {(file?.notes ?? []).map((n) => <p key={n} class="small" lang="en">{n}</p>)}
      {file && <ul class="plain plans">{(file.plans ?? []).map((p) => <Kind key={p.kind} track={track} of={p} moving={moving} />)}</ul>}
    </details>
  );
}

/** What the vehicle is known to carry, as a file. */
export function ToFile({ id }: { id: string }) {
  return <a class="button" href={planFiles.url(id)} download data-testid="plan-export">{t('plan.file.export')}</a>;
}
