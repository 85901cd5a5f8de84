// Registered vehicles: the list, and the way to one of them and to a new one.

import { useEffect, useState } from 'preact/hooks';
import type { RegisteredVehicle } from '../api/register';
import { code, plural, t } from '../i18n/later';
import { focusTab, organisationName } from '../state/accounts';
import { keysOf, loadKeys, loadRegister, mayRegister, registered, seesKeys } from '../state/register';
import { Listed, Table } from './account-bits';
import { Ended, LinkState } from './register-bits';
import { VehicleForm } from './register-form';
import { matches } from './register-input';
import { VehiclePage } from './register-vehicle';

/** A table of all of a large register would be slow to draw and to read. */
const SHOWN = 100;

function mavlinkText(v: RegisteredVehicle): string {
  return v.mavlink ? `${v.mavlink.listener} / ${v.mavlink.system_id}` : t('reg.noMavlink');
}

/** Which keys are accepted now. */
function Keys({ of }: { of: RegisteredVehicle }) {
  const keys = keysOf.value.get(of.id);
  if (!of.mavlink || !keys) return <>–</>;
  const accepted = keys.filter((k) => k.state !== 'retired');
  if (accepted.length === 0) return <>{t('reg.keys.none')}</>;
  return <>{accepted.map((k) => <div key={k.id}>{code('reg.keys', k.state)}</div>)}</>;
}

function List({ items, open }: { items: readonly RegisteredVehicle[]; open: (id: string) => void }) {
  const heads = [
    t('acc.name'), t('reg.class'), t('reg.operator'), t('reg.address'), t('reg.link'), ...(seesKeys.value ? [t('reg.keys')] : []), t('acc.state'), t('acc.acts'),
  ];
  useEffect(() => void (seesKeys.peek() && loadKeys(items.filter((v) => v.mavlink).map((v) => v.id))), [items.map((v) => `${v.id} ${v.rev}`).join()]);
  return (
    <Table label={t('desk.vehicles')} heads={heads}>
      {items.map((v) => (
        <tr key={v.id} class={v.state === 'registered' ? '' : 'is-off'} data-registered={v.id}>
          <td class="wrap">{v.name}<div class="sub mono">{v.id}</div></td>
          <td>{code('class', v.class)}</td>
          <td class="wrap">{organisationName(v.operator)}</td>
          <td class="mono">{mavlinkText(v)}</td>
          <td class="wrap reg-link">{v.mavlink ? <LinkState of={v.link} /> : '–'}</td>
          {seesKeys.value && <td><Keys of={v} /></td>}
          <td>{code('reg.state', v.state)}{v.origin === 'config' && <div class="sub">{t('reg.origin.config')}</div>}</td>
          <td><button class="button" type="button" aria-label={t('reg.openWhat', { what: v.name })} onClick={() => open(v.id)}>{t('reg.open')}</button></td>
        </tr>
      ))}
    </Table>
  );
}

export function VehiclesPage() {
  const [at, go] = useState<{ id: string } | 'new' | null>(null);
  const [search, find] = useState('');
  useEffect(loadRegister, []);
  const leave = () => {
    go(null);
    loadRegister();
    focusTab();
  };
  if (at === 'new') return <VehicleForm of={null} close={(made) => (made ? go({ id: made.id }) : leave())} />;
  if (at) return <VehiclePage key={at.id} id={at.id} close={leave} />;
  return (
    <>
      <div class="desk-bar">
        {mayRegister.value && <button class="button primary" type="button" data-testid="vehicle-new" onClick={() => go('new')}>{t('reg.new')}</button>}
        <input type="search" aria-label={t('reg.search')} placeholder={t('reg.search')} value={search} onInput={(e) => find(e.currentTarget.value)} data-testid="reg-search" />
        <Ended label={t('reg.withdrawnToo')} />
      </div>
      <Listed of={registered}>
        {(items) => {
          const found = items.filter((v) => matches(v, search));
          return (
            <>
              <p class="muted" role="status">{plural('reg.found', found.length)}{found.length > SHOWN && ` · ${t('reg.first', { n: SHOWN })}`}</p>
              {found.length > 0 && <List items={found.slice(0, SHOWN)} open={(id) => go({ id })} />}
            </>
          );
        }}
      </Listed>
    </>
  );
}
