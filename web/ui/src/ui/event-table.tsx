// The crossings of fences since the page was opened.

import { code, t } from '../i18n/later';
import { events } from '../state/ops';
import { select } from '../state/view';
import { Time, Unverified, arrowKeys } from './bits';
import { jumpText } from './evidence';

export function EventTable() {
  if (events.value.length === 0) return <p class="empty">{t('events.none')}</p>;
  return (
    <div class="scroll" onKeyDown={(e) => arrowKeys(e, 'tbody tr')}>
      <table class="table" role="grid" aria-label={t('events.table')}>
        <tbody>
          {events.value.map((e) => (
            <tr key={`${e.cseq}-${e.at}`} tabIndex={0} aria-selected={false} onClick={() => select(e.vehicle.id)}
              onKeyDown={(k) => k.key === 'Enter' && select(e.vehicle.id)}>
              <td><Time at={e.at} /></td>
              <td class="wrap">{e.vehicle.name || e.vehicle.id} {!e.vehicle.verified && <Unverified />}</td>
              <td>{code('transition', e.kind)}</td>
              <td class="wrap">
                {e.fence?.name}{e.jump && jumpText(e.jump)}
                {(e.flags ?? []).map((f) => <span key={f} class="sub muted">{code('flag', f)}</span>)}
                {e.held && !e.jump && <span class="sub muted">{t('event.held')}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
