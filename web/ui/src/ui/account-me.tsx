// Who is signed in, with what rights, and its password.

import { code, t } from '../i18n/later';
import { organisationName } from '../state/accounts';
import { actor } from '../state/session';
import { OwnPassword } from './account-password';
import { Row } from './bits';
import { later } from './later';

const OwnNotifications = later(() => import('./account-notifications').then((m) => m.OwnNotifications));

export function MePage() {
  const a = actor.value;
  if (!a) return null;
  return (
    <>
      <section class="desk-section">
        <dl class="facts">
          <Row label={t('acc.name')}>{a.name || t('none')}</Row>
          <Row label={t('acc.id')}><span class="mono">{a.id}</span></Row>
          <Row label={t('acc.organisation')}>{a.organisation ? organisationName(a.organisation) : t('none')}</Row>
          <Row label={t('acc.roles')}>{a.roles.map((r) => code('role', r)).join(' · ') || t('none')}</Row>
          <Row label={t('acc.scopes')}>{a.scopes.map((s) => code('scope', s)).join(' · ') || t('none')}</Row>
        </dl>
        {!a.person && <p class="note">{t('me.configured')}</p>}
        {a.key && <p class="note">{t('me.byKey', { key: a.key })}</p>}
      </section>
      {a.person && !a.key && <OwnPassword />}
      {a.person && !a.key && <OwnNotifications />}
    </>
  );
}
