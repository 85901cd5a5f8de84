// What another controller proposed to end a flight, over the page for as long as it is
// open: the second person may be looking elsewhere.

import { useEffect, useState } from 'preact/hooks';
import type { Termination } from '../api/terminations';
import { needTexts } from '../i18n';
import { t } from '../i18n/later';
import { announce } from '../state/announce';
import type { Actor } from '../api/types';
import { onNotice } from '../state/notices';
import { actor } from '../state/session';
import { select } from '../state/view';
import { now } from '../units';
import { beat } from './beat';

const personOf = (a: Pick<Actor, 'id' | 'person'> | null): string | undefined => a?.person || a?.id;
const callText = (p: Termination): string => t('end.call', { person: p.proposed_by, vehicle: p.vehicle_id, reason: p.reason });

export function TerminationCall() {
  void beat.value;
  const [open, setOpen] = useState<readonly Termination[]>([]);
  useEffect(() => onNotice((m) => {
    if (m.t !== 'orders' || !m.terminations) return;
    const told = m.terminations;
    void needTexts('panels').then(() => {
      for (const p of told) {
        if (p.state === 'open' && p.proposed_by !== personOf(actor.value)) announce(callText(p), true);
      }
      setOpen((have) => [...have.filter((p) => !told.some((x) => x.id === p.id)), ...told.filter((p) => p.state === 'open')]);
    });
  }), []);
  const a = actor.value;
  if (!a?.scopes?.includes('zone.control')) return null;
  const mine = open.filter((p) => p.proposed_by !== personOf(a) && Date.parse(p.expires_at) > now());
  return (
    <>
      {mine.map((p) => (
        <div key={p.id} class="end-call" role="note" data-testid="end-call" data-termination={p.id}>
          <strong>{callText(p)}</strong>{' '}
          <button class="button" type="button" onClick={() => select(p.vehicle_id)}>{t('end.show', { vehicle: p.vehicle_id })}</button>
        </div>
      ))}
    </>
  );
}
