// The disclosure board: what the public may know of permits (Article 65).

import { useEffect, useState } from 'preact/hooks';
import { reviewsApi, type Disclosure } from '../api/reviews';
import { code, t } from '../i18n/later';
import { zoneClock } from '../state/clock';
import type { UnixMs } from '../units';
import { Failure, Table } from './account-bits';

const clock = (at: string) => zoneClock(Date.parse(at) as UnixMs, true);

export function DisclosurePage() {
  const [list, setList] = useState<readonly Disclosure[] | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  useEffect(() => {
    reviewsApi.disclosures().then((d) => setList(d.items ?? []), setFailed);
  }, []);
  const kinds = new Map<string, number>();
  for (const d of list ?? []) kinds.set(d.kind, (kinds.get(d.kind) ?? 0) + 1);
  return (
    <>
      <h2>{t('desk.disclosure')}</h2>
      <p class="muted">{t('dis.hint')}</p>
      <Failure of={failed} />
      {list?.length === 0 && <p class="empty" data-testid="dis-none">{t('dis.none')}</p>}
      {list && list.length > 0 && (
        <>
          <p data-testid="dis-count">{t('dis.count', { n: list.length })}: {[...kinds].map(([k, n]) => `${code('rev.kind', k)} ${n}`).join(', ')}</p>
          <Table label={t('desk.disclosure')} heads={[t('dis.scenario'), t('dis.when'), t('dis.said'), t('dis.at')]}>
            {list.map((d) => (
              <tr key={d.id} data-disclosure={d.id}>
                <td class="wrap">{code('rev.kind', d.kind)}<div class="sub">{d.scenario}</div></td>
                <td class="wrap">{clock(d.from)} – {clock(d.to)}</td>
                <td class="wrap">{Object.entries(d.disclosed).map(([k, v]) => <div key={k}>{k}: {v}</div>)}</td>
                <td class="wrap">{clock(d.published_at)}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}
