// People: the list, and what can be done with one of them.

import { useState } from 'preact/hooks';
import type { Person } from '../api/accounts';
import { code, t } from '../i18n/later';
import { admin, focusTab, organisationName, people, personName } from '../state/accounts';
import { Listed, Secret, Table } from './account-bits';
import { PersonForm } from './account-person';

const stateOf = (p: Person) => (p.erased ? 'acc.erased' : p.disabled ? 'acc.disabled' : 'acc.active');

function List({ items, edit }: { items: readonly Person[]; edit: (p: Person) => void }) {
  const heads = [t('acc.name'), t('acc.organisation'), t('acc.roles'), t('acc.state'), ...(admin.value ? [t('acc.acts')] : [])];
  return (
    <Table label={t('desk.people')} heads={heads}>
      {items.map((p) => (
        <tr key={p.id} class={p.disabled ? 'is-off' : ''} data-person={p.id}>
          <td class="wrap">{personName(p.id)}<div class="sub mono">{p.profile?.login && `${p.profile.login} · `}{p.id}</div></td>
          <td class="wrap">{organisationName(p.organisation)}</td>
          <td class="wrap">{p.roles.map((r) => code('role', r)).join(' · ')}</td>
          <td>{t(stateOf(p))}</td>
          {admin.value && (
            <td>{!p.erased && <button class="button" type="button" aria-label={t('acc.editWhat', { what: personName(p.id) })} onClick={() => edit(p)}>{t('acc.edit')}</button>}</td>
          )}
        </tr>
      ))}
    </Table>
  );
}

export function PeoplePage() {
  const [edited, edit] = useState<Person | null | undefined>(undefined);
  const [secret, setSecret] = useState<{ of: string; value: string } | null>(null);
  const close = (given?: { of: string; value: string }) => {
    if (given) setSecret(given);
    edit(undefined);
    focusTab();
  };
  if (edited !== undefined) return <PersonForm of={edited} close={close} />;
  return (
    <>
      {secret && <Secret label={t('person.passwordOf', { name: secret.of })} value={secret.value} done={() => setSecret(null)} />}
      {admin.value && <div class="desk-bar"><button class="button primary" type="button" data-testid="person-new" onClick={() => edit(null)}>{t('person.new')}</button></div>}
      <Listed of={people}>
        {(items) => (items.length === 0 ? <p class="empty">{t('person.none')}</p> : <List items={items} edit={edit} />)}
      </Listed>
    </>
  );
}
