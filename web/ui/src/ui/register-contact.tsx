// The person who answers for a vehicle: personal data, which stands beside the journal.

import { useRef, useState } from 'preact/hooks';
import { register, type Contact, type RegisteredVehicle } from '../api/register';
import { t } from '../i18n/later';
import { Failure, Field, Heading, useAct } from './account-bits';
import { contactFault, contactOf } from './register-input';

export function ContactFields({ of, required }: { of: Contact | null; required?: boolean }) {
  return (
    <>
      <p class="muted small">{t('reg.contactHint')}</p>
      <Field label={t('reg.contactName')}><input name="contact_name" type="text" maxLength={120} autocomplete="off" required={required ?? false} defaultValue={of?.name ?? ''} /></Field>
      <Field label={t('reg.phone')} hint={t('reg.phoneHint')}>
        <input name="contact_phone" type="text" inputMode="tel" minLength={3} maxLength={40} pattern="[+0-9 \(\)\.\/#*\-]+" autocomplete="off" required={required ?? false} defaultValue={of?.phone ?? ''} />
      </Field>
      <Field label={t('reg.email')}><input name="contact_email" type="text" inputMode="email" maxLength={254} pattern="[^@\s]+@[^@\s]+" autocomplete="off" spellcheck={false} defaultValue={of?.email ?? ''} /></Field>
      <Field label={t('reg.languages')} hint={t('reg.languagesHint')}>
        <input name="contact_languages" type="text" pattern="[A-Za-z0-9, ;\-]*" spellcheck={false} defaultValue={(of?.languages ?? []).join(' ')} />
      </Field>
    </>
  );
}

export function ContactForm({ of, close }: { of: RegisteredVehicle; close: (saved?: RegisteredVehicle) => void }) {
  const form = useRef<HTMLFormElement>(null);
  const [missing, miss] = useState(false);
  const { busy, failure, act } = useAct();
  const submit = async (e: Event) => {
    e.preventDefault();
    const contact = contactOf(new FormData(form.current!));
    const faulty = contact === null || contactFault(contact) !== null;
    miss(faulty);
    if (faulty) return;
    let saved: RegisteredVehicle | undefined;
    if (await act(async () => (saved = await register.setContact(of.id, contact)), t('acc.saved'))) close(saved);
  };
  return (
    <form class="desk-form" ref={form} onSubmit={submit} data-testid="contact-form">
      <Heading>{t('reg.contactOf', { name: of.name })}</Heading>
      <ContactFields of={of.contact} required />
      <Failure of={failure} />
      {missing && <div class="error" role="alert">{t('reg.fault.contact')}</div>}
      <div class="actions">
        <button class="button primary" type="submit" disabled={busy} data-testid="save">{t('acc.save')}</button>
        <button class="button" type="button" onClick={() => close()}>{t('cancel')}</button>
      </div>
    </form>
  );
}
