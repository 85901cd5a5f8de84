// For which vehicles a fence is not enforced now, and why: read while it is open.

import { useEffect, useState } from 'preact/hooks';
import { fences as fenceApi } from '../api/fences';
import type { Fence, FenceEnforcement } from '../api/types';
import { code, plural, t } from '../i18n/later';
import { onNotice } from '../state/notices';
import { failed } from '../state/ops';
import { select } from '../state/view';
import { ClassIcon } from './icons';
import { Unverified } from './bits';

const REFRESH_MS = 5_000;
const SHOWN = 20;

function useEnforcement(id: string, rev: number): FenceEnforcement | null | 'failed' {
  const [answer, setAnswer] = useState<FenceEnforcement | null | 'failed'>(null);
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const read = async () => {
      try {
        setAnswer(await fenceApi.enforcement(id, stop.signal));
      } catch (err) {
        if (stop.signal.aborted) return;
        failed(err);
        setAnswer('failed');
      }
      if (!stop.signal.aborted) timer = window.setTimeout(() => void read(), REFRESH_MS);
    };
    void read();
    const off = onNotice((m) => {
      if (m.t !== 'coverage') return;
      window.clearTimeout(timer);
      void read();
    });
    return () => {
      off();
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [id, rev]);
  return answer;
}

export function Enforcement({ f }: { f: Fence }) {
  const e = useEnforcement(f.id, f.rev);
  if (e === null) return <p class="muted">{t('card.loading')}</p>;
  if (e === 'failed') return <p class="error" data-testid="fence-enforcement">{t('enforcement.unknown')}</p>;
  if (e.not_enforced === 0) {
    return <p class="muted" data-testid="fence-enforcement">{e.applies === 0 ? t('enforcement.nobody') : plural('enforcement.all', e.applies)}</p>;
  }
  const list = (e.vehicles ?? []).slice(0, SHOWN);
  return (
    <details data-testid="fence-enforcement">
      <summary><span class="tag tag-danger">{t('card.notEnforced')}</span> {plural('vehicles', e.not_enforced)}{` / ${e.applies}`}</summary>
      <ul class="plain">
        {list.map((v) => (
          <li key={v.vehicle.id}>
            <button class="link-button who" type="button" onClick={() => select(v.vehicle.id)}>
              <ClassIcon cls={v.vehicle.class} hollow={!v.vehicle.verified} />{v.vehicle.name || v.vehicle.id}
            </button>{' '}
            {!v.vehicle.verified && <Unverified />} <span class="muted">{(v.reasons ?? []).map((r) => code('enforce', r)).join('; ')}</span>
          </li>
        ))}
      </ul>
      {list.length < e.not_enforced && <p class="muted">{plural('import.more', e.not_enforced - list.length)}</p>}
    </details>
  );
}
