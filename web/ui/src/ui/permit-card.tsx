// The permit on the card of a vehicle: what it may do now and until when, or that it has none.

import { useEffect, useState } from 'preact/hooks';
import { permitsApi, type Permit } from '../api/permits';
import { t } from '../i18n/later';
import { serverTime, shortAge } from '../state/clock';
import { Row } from './bits';
import { alerts } from '../state/ops';
import { clock, conditionsOf } from './permit-words';

/** Before its end a permit is told to be ending, as the warnings of the law do. */
const ENDING_MS = 10 * 60_000;
const REFRESH_MS = 10_000;

async function permitsOf(vehicle: string): Promise<Permit[]> {
  const [now, halted] = await Promise.all([permitsApi.page({ vehicle, state: 'effective' }), permitsApi.page({ vehicle, state: 'suspended' })]);
  return [...(now.items ?? []), ...(halted.items ?? [])];
}

function One({ of: p }: { of: Permit }) {
  const left = Date.parse(p.to ?? p.application.to) - (serverTime() ?? Date.now());
  if (p.state === 'suspended') return <p class="note" data-testid="card-permit" data-state="suspended"><strong>{t('perm.card.suspended', { title: p.application.title })}</strong></p>;
  return (
    <div data-testid="card-permit" data-state={left < ENDING_MS ? 'ending' : 'effective'}>
      {left < ENDING_MS && <p class="note" role="status"><strong>{t('perm.card.ending', { time: shortAge(left) })}</strong></p>}
      <dl class="facts">
        <Row label={t('perm.card.permit')}>{p.application.title}</Row>
        <Row label={t('perm.card.until')}>{clock(p.to ?? p.application.to)} · {t('rev.left', { time: shortAge(left) })}</Row>
        {conditionsOf(p).slice(1).map((c) => <Row key={c} label={t('perm.card.limit')}>{c}</Row>)}
      </dl>
    </div>
  );
}

export function PermitOfVehicle({ id }: { id: string }) {
  const [all, setAll] = useState<readonly Permit[] | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let stopped = false;
    const read = () => void permitsOf(id).then((got) => !stopped && (setAll(got), setFailed(false)), () => !stopped && setFailed(true));
    setAll(null);
    read();
    const timer = window.setInterval(read, REFRESH_MS);
    return () => {
      stopped = true;
      window.clearInterval(timer);
    };
  }, [id]);
  // The zone says when one is required: it alerts.
  const required = alerts.value.some((a) => a.type === 'unpermitted' && a.vehicle.id === id);
  return (
    <section aria-label={t('perm.card')}>
      <h3>{t('perm.card')}</h3>
      {failed && <p class="error">{t('perm.card.failed')}</p>}
      {all?.map((p) => <One key={p.id} of={p} />)}
      {all?.length === 0 && !failed && (
        <p class={required ? 'note' : 'muted'} data-testid="card-permit" data-state={required ? 'missing' : 'none'}>{required ? <strong>{t('perm.card.missing')}</strong> : t('perm.card.none')}</p>
      )}
    </section>
  );
}
