// Permits of an applicant: the list with what is wanted of it, the wizard, and one permit.

import '../styles/permits.css';
import { useEffect, useState } from 'preact/hooks';
import { permitsApi, type Permit, type PermitState } from '../api/permits';
import { code, t } from '../i18n/later';
import { Failure, Table } from './account-bits';
import { PermitCase } from './permit-case';
import { edit, form, loadPack, opened, pack } from './permit-draft';
import { Pick } from './permit-fields';
import { PermitWizard } from './permit-wizard';
import { clockName, nextClock, PackNote, TimeLeft, Wanted, words } from './permit-words';

const REFRESH_MS = 10_000;
const PAGE = 50;
const STATES: readonly PermitState[] = ['draft', 'submitted', 'under_review', 'information_requested', 'approved', 'effective', 'suspended', 'refused', 'revoked', 'expired', 'withdrawn'];

function Row({ of: p }: { of: Permit }) {
  const next = nextClock(p);
  const kind = pack.value?.kinds?.find((k) => k.id === p.application.kind);
  return (
    <tr data-permit={p.id} data-state={p.state}>
      <td class="wrap">
        <button class="link-button" type="button" aria-label={t('rev.open', { title: p.application.title })} onClick={() => (opened.value = p.id)}>{p.application.title}</button>
        <div class="sub">{kind ? words(kind.title) : p.application.kind}</div>
      </td>
      <td class="wrap">{code('rev.state', p.state)}</td>
      <td class="wrap"><Wanted of={p} rules={pack.value} /></td>
      <td class="wrap">{next ? <>{clockName(pack.value, next.id)}<div class="sub"><TimeLeft of={next} /></div></> : <span class="muted">{t('none')}</span>}</td>
    </tr>
  );
}

function List() {
  const [state, setState] = useState<PermitState | ''>('');
  const [kind, setKind] = useState('');
  const [items, setItems] = useState<readonly Permit[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [shown, setShown] = useState(PAGE);
  const [failed, setFailed] = useState<unknown>(null);
  useEffect(() => {
    let stopped = false;
    const read = async () => {
      try {
        // As many as are shown, so that what was opened further down stays.
        const got: Permit[] = [];
        let cursor: string | undefined;
        do {
          const p = await permitsApi.page({ ...(state && { state }), ...(kind && { kind }), ...(cursor && { cursor }) }, PAGE);
          got.push(...(p.items ?? []));
          cursor = p.next ?? undefined;
        } while (cursor && got.length < shown);
        if (stopped) return;
        setItems(got);
        setNext(cursor ?? null);
        setFailed(null);
      } catch (err) {
        if (!stopped) setFailed(err);
      }
    };
    void read();
    const timer = window.setInterval(() => void read(), REFRESH_MS);
    return () => {
      stopped = true;
      window.clearInterval(timer);
    };
  }, [state, kind, shown]);
  return (
    <>
      <h2>{t('desk.permits')}</h2>
      {pack.value && <PackNote of={pack.value} />}
      <div class="desk-bar">
        <button class="button primary" type="button" data-testid="perm-new" onClick={() => edit(null)}>{t('perm.new')}</button>
        <Pick label={t('perm.state')} id="perm-filter-state" value={state} none={t('perm.all')} all={STATES.map((s) => ({ value: s, label: code('rev.state', s) }))} set={(s) => setState(s as PermitState | '')} />
        <Pick label={t('perm.kind')} id="perm-filter-kind" value={kind} none={t('perm.all')} all={(pack.value?.kinds ?? []).map((k) => ({ value: k.id, label: words(k.title) }))} set={setKind} />
      </div>
      <Failure of={failed} />
      {items?.length === 0 && <p class="empty">{t('perm.none')}</p>}
      {items && items.length > 0 && (
        <Table label={t('desk.permits')} heads={[t('rev.what'), t('perm.state'), t('perm.wanted'), t('rev.deadline')]}>
          {items.map((p) => <Row key={p.id} of={p} />)}
        </Table>
      )}
      {next && <button class="button" type="button" data-testid="perm-more" onClick={() => setShown(shown + PAGE)}>{t('perm.more')}</button>}
    </>
  );
}

export function PermitsPage() {
  const [failed, setFailed] = useState<unknown>(null);
  useEffect(() => void loadPack().catch(setFailed), []);
  if (failed) return <Failure of={failed} />;
  if (!pack.value) return <p class="empty" role="status">{t('card.loading')}</p>;
  if (form.value) return <PermitWizard />;
  return opened.value ? <PermitCase id={opened.value} /> : <List />;
}
