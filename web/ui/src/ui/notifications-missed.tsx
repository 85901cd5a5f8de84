// Deadlines of permits that were missed and that nobody has made good.

import { notificationsApi } from '../api/notifications';
import { lang, t } from '../i18n/later';
import { organisationName, pageOf, show } from '../state/accounts';
import { serverTime, shortAge } from '../state/clock';
import { Failure, Table } from './account-bits';
import { Time } from './bits';
import { useLive } from './use-live';

export function MissedClocks() {
  const { value, error } = useLive((signal) => notificationsApi.missed(signal), 'notifications');
  const items = value?.items ?? [];
  return (
    <section class="desk-section wide" aria-label={t('not.missed')} data-testid="missed">
      <h3>{t('not.missed')}</h3>
      <Failure of={error} />
      {value && items.length === 0 && <p class="muted" data-testid="missed-none">{t('not.missedNone')}</p>}
      {items.length > 0 && (
        <Table label={t('not.missed')} heads={[t('not.missedWhat'), t('not.missedBy'), t('not.missedSince'), t('not.missedStart')]}>
          {items.map((m) => (
            <tr key={`${m.permit_id} ${m.clock}`} data-missed={m.permit_id} data-urgent={m.urgent}>
              <td class="wrap">
                {lang.value === 'en' ? m.name.en : m.name.zh} {m.urgent && <strong class="tag tag-warn">{t('not.call')}</strong>}
                <div class="sub">{pageOf('permit') ? <button class="link-button" type="button" onClick={() => show('permit', m.permit_id)}>{m.title}</button> : m.title}</div>
              </td>
              <td class="wrap">{(m.asked ?? []).map(organisationName).join(', ') || t('none')}</td>
              <td class="wrap"><Time at={m.due_at} date /><div class="sub">{shortAge((serverTime() ?? Date.now()) - Date.parse(m.due_at))}</div></td>
              <td class="wrap"><Time at={m.from} date /></td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
