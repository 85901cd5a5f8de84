// Reviews: what lies on the desk of a department, by deadline, and one application.

import { useEffect, useState } from 'preact/hooks';
import { reviewsApi, type Desk, type ReviewItem, type ReviewQueue } from '../api/reviews';
import { code, t } from '../i18n/later';
import { organisationName, takeShown } from '../state/accounts';
import { serverTime, shortAge, zoneClock } from '../state/clock';
import type { UnixMs } from '../units';
import { Failure, Table } from './account-bits';
import { ReviewCase } from './review-case';

const REFRESH_MS = 5_000;
const DESKS: readonly Desk[] = ['waiting', 'advice', 'information', 'signed', 'decided'];
const clock = (at: string) => zoneClock(Date.parse(at) as UnixMs, true);

function Deadline({ of: i }: { of: ReviewItem }) {
  const now = serverTime() ?? Date.now();
  if (!i.deadline) return <span class="muted">{t('rev.noDeadline', { at: clock(i.from) })}</span>;
  const left = Date.parse(i.deadline.due_at) - now;
  return (
    <>
      {clock(i.deadline.due_at)}
      <div class="sub">{left < 0 || i.deadline.state === 'missed' ? <strong class="tag tag-warn">{t('rev.overdue')}</strong> : t('rev.left', { time: shortAge(left) })}</div>
    </>
  );
}

function Item({ of: i, open }: { of: ReviewItem; open: () => void }) {
  return (
    <tr data-review={i.permit_id} data-state={i.state}>
      <td class="wrap">
        <button class="link-button" type="button" aria-label={t('rev.open', { title: i.title })} onClick={open}>{i.title}</button>
        <div class="sub">{code('rev.kind', i.kind)} · {organisationName(i.holder)} · {code('rev.state', i.state)}{i.tier && <> · {t('rev.tier')}: {code('rev.tier', i.tier)}</>}</div>
      </td>
      <td>{shortAge((serverTime() ?? Date.now()) - Date.parse(i.waits_since))}</td>
      <td class="wrap"><Deadline of={i} /></td>
      <td class="wrap">{(i.blocks ?? []).map((b) => <div key={b.code}>{t(`rev.block.${b.code}`, { of: (b.of ?? []).map((x) => code('rev.judge', x)).join(', ') })}</div>)}</td>
    </tr>
  );
}

export function ReviewsPage() {
  const [desk, setDesk] = useState<Desk>('waiting');
  const [queue, setQueue] = useState<ReviewQueue | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [chosen, choose] = useState(() => takeShown('permit'));
  useEffect(() => {
    if (chosen) return;
    let stopped = false;
    const read = () => reviewsApi.queue(desk).then((q) => !stopped && (setQueue(q), setFailed(null)), (err: unknown) => !stopped && setFailed(err));
    void read();
    const timer = window.setInterval(() => void read(), REFRESH_MS);
    return () => {
      stopped = true;
      window.clearInterval(timer);
    };
  }, [desk, chosen]);
  if (chosen) return <ReviewCase key={chosen} id={chosen} back={() => choose('')} />;
  const items = queue?.items ?? [];
  return (
    <>
      <h2>{queue?.department ? t('rev.desk', { dept: queue.department }) : t('rev.desk.all')}</h2>
      <div class="desk-bar" role="group" aria-label={t('desk.reviews')}>
        {DESKS.map((d) => (
          <button key={d} class="button" type="button" aria-pressed={d === desk} data-testid={`rev-${d}`} onClick={() => setDesk(d)}>
            {t(`rev.desk.${d}`)} {queue?.counts[d] ?? 0}
          </button>
        ))}
      </div>
      <Failure of={failed} />
      {queue && items.length === 0 && <p class="empty" data-testid="rev-none">{t('rev.none')}</p>}
      {queue && queue.total > items.length && <p class="muted">{t('rev.first', { n: items.length, of: queue.total })}</p>}
      {items.length > 0 && (
        <Table label={t(`rev.desk.${desk}`)} heads={[t('rev.what'), t('rev.age'), t('rev.deadline'), t('rev.blocks')]}>
          {items.map((i) => <Item key={i.permit_id} of={i} open={() => choose(i.permit_id)} />)}
        </Table>
      )}
    </>
  );
}
