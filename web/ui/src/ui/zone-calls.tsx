// Whom somebody has to call, because an order came to nothing, and what came of it.

import { useState } from 'preact/hooks';
import { bulkApi, type OpenCall, type Outcome } from '../api/bulk';
import { t } from '../i18n/later';
import { colleagueName } from '../state/names';
import { Failure, Table, useAct } from './account-bits';
import { Time } from './bits';
import { useRead } from './use-read';

const OUTCOMES: readonly Outcome[] = ['reached', 'not_reached', 'not_needed'];

function Row({ of: c, mayNote }: { of: OpenCall; mayNote: boolean }) {
  const [note, write] = useState('');
  const { busy, failure, act } = useAct();
  const say = (outcome: Outcome) => void act(async () => {
    await bulkApi.called(c.vehicle_id, outcome, note.trim());
    write('');
  }, t('call.noted'));
  return (
    <tr data-call={c.vehicle_id}>
      <td class="wrap"><strong>{c.vehicle_id}</strong><div class="sub"><Time at={c.since} /></div></td>
      <td class="wrap"><span lang="en">{c.why}</span>{c.tries > 0 && <div class="sub">{t('call.tried', { n: c.tries, person: colleagueName(c.by) })} {c.note}</div>}</td>
      <td class="wrap">{c.contact ? <>{c.contact.name}<div class="mono"><a href={`tel:${c.contact.phone.replace(/[^+0-9]/g, '')}`}>{c.contact.phone}</a></div></> : t('call.nobody')}</td>
      {mayNote && (
        <td class="wrap">
          <input type="text" maxLength={500} aria-label={t('call.note', { vehicle: c.vehicle_id })} placeholder={t('zone.reasonHint')} value={note} onInput={(e) => write(e.currentTarget.value)} />
          <div class="actions">{OUTCOMES.map((o) => <button key={o} class="button" type="button" disabled={busy} data-testid={`call-${o}`} onClick={() => say(o)}>{t(`call.${o}`)}</button>)}</div>
          <Failure of={failure} />
        </td>
      )}
    </tr>
  );
}

export function CallsPart({ mayNote }: { mayNote: boolean }) {
  const { value, error } = useRead('calls', (_, signal) => bulkApi.calls(signal));
  const items = value?.items ?? [];
  return (
    <section class="desk-part" data-testid="calls">
      <h2>{t('call.title')}</h2>
      <Failure of={error} />
      {value && items.length === 0 && <p class="muted">{t('call.none')}</p>}
      {items.length > 0 && (
        <Table label={t('call.title')} heads={[t('zone.vehicle'), t('call.why'), t('zone.call'), ...(mayNote ? [t('call.outcome')] : [])]}>
          {items.map((c) => <Row key={c.vehicle_id} of={c} mayNote={mayNote} />)}
        </Table>
      )}
    </section>
  );
}
