// Who has the control of a vehicle: taken, given up, and from somebody else taken over
// with a reason.

import { orders, type Lease } from '../api/orders';
import { t } from '../i18n/later';
import { colleagueName } from '../state/names';
import { Field, texts } from './account-bits';
import { Time } from './bits';
import type { Me } from './order-offer';
import { AskOnce } from './register-bits';

export function LeaseRow({ id, lease, me, busy, act }: {
  id: string; lease: Lease | null; me: Me; busy: boolean; act: (work: () => Promise<unknown>) => Promise<unknown>;
}) {
  const mine = lease?.holder === me.person;
  return (
    <div class="lease" data-testid="lease" data-mine={mine}>
      <p>
        {t('lease.title')}: <strong>{lease ? (mine ? t('lease.mine') : colleagueName(lease.holder)) : t('lease.nobody')}</strong>
        {lease && <> · <Time at={lease.since} /></>}
        {lease?.from && <span class="small muted"> · {t('lease.from', { person: colleagueName(lease.from) })}</span>}
        {lease?.reason && <span class="small muted"> · {lease.reason}</span>}
      </p>
      {!lease && <button class="button" type="button" data-testid="lease-take" disabled={busy} onClick={() => void act(() => orders.takeLease(id, '', false))}>{t('lease.take')}</button>}
      {mine && <button class="button" type="button" data-testid="lease-give-up" disabled={busy} onClick={() => void act(() => orders.giveUpLease(id))}>{t('lease.giveUp')}</button>}
      {lease && !mine && (
        <AskOnce
          name="lease-take-over" what={t('lease.takeOver')} sure={t('lease.takeOverSure')} note={t('lease.takeOverNote', { person: colleagueName(lease.holder) })} busy={busy}
          done={(form) => act(() => orders.takeLease(id, texts(form, 'lease_reason'), true))}
        >
          <Field label={t('lease.reason')}><input name="lease_reason" type="text" required maxLength={500} /></Field>
        </AskOnce>
      )}
    </div>
  );
}
