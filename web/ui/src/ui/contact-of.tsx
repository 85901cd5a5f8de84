// Whom to call about a vehicle: the person who answers for it, with the phone. Only who
// may order it sees them.

import { register } from '../api/register';
import { t } from '../i18n/later';
import { may } from '../state/accounts';
import { useRead } from './use-read';

export function ContactOf({ id }: { id: string }) {
  const { value } = useRead(id, register.vehicle);
  if (!value || (!value.contact && !may('zone.control'))) return null;
  const c = value.contact;
  return (
    <p class="contact-of" data-testid="contact-of">
      {t('reg.contact')}: {c
        ? <><strong>{c.name}</strong> <a class="mono" href={`tel:${c.phone.replace(/[^+0-9]/g, '')}`}>{c.phone}</a></>
        : t('call.nobody')}
    </p>
  );
}
