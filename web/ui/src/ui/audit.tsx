// Audit: who did what, as a search with pages and files, and the newest signed
// checkpoint.

import { useEffect, useRef, useState } from 'preact/hooks';
import { accounts, type AuditCheckpoint, type AuditEvent, type AuditSearch } from '../api/accounts';
import { zoneInstant, zoneLocal } from '../fence/schedule';
import { code, formatNumber, plural, t } from '../i18n/later';
import { people, personName } from '../state/accounts';
import { serverTime, zoneTz } from '../state/clock';
import { Failure, Field, Table, texts, useAct } from './account-bits';
import { Time } from './bits';

const PAGE = 50;
const HOUR_MS = 3_600_000;
// As the journal calls them; a family ends with .*
const TYPES = [
  'session.opened', 'session.refused', 'session.closed', 'password.changed', 'call.done', 'call.refused', 'acts.dropped',
  'fence.put', 'fence.deleted', 'fence.batch', 'alert.raised', 'alert.cleared', 'alert.confirmed', 'alert.acknowledged',
  'organisation.create', 'organisation.replace', 'organisation.clock', 'person.create', 'person.replace', 'person.credentials_reset', 'person.erase',
  'administrator.remove', 'administrator.appoint', 'key.create', 'key.revoke', 'proposal.create', 'proposal.withdraw',
  'vehicle.register', 'vehicle.replace', 'vehicle.withdraw', 'vehicle.lost_link_read', 'vehicle.key.add', 'vehicle.key.rotate', 'vehicle.key.revoke', 'vehicle.settled',
  'order.asked', 'order.sent', 'order.accepted', 'order.in_effect', 'order.refused', 'order.no_answer', 'order.no_effect', 'order.expired', 'order.superseded',
  'lease.taken', 'lease.given_up',
  'gateway.enrol', 'gateway.replace', 'gateway.revoke', 'gateway.settled',
  'webhook.create', 'webhook.resume', 'webhook.delete',
  'audit.checkpoint', 'supervision_gap',
];

function searchOf(form: HTMLFormElement): AuditSearch {
  const given = new FormData(form);
  const out: AuditSearch = {};
  for (const k of ['who', 'what', 'object', 'q'] as const) if (texts(given, k)) out[k] = texts(given, k);
  for (const k of ['from', 'to'] as const) {
    const at = zoneInstant(texts(given, k), zoneTz.value);
    if (!Number.isNaN(at)) out[k] = new Date(at).toISOString();
  }
  return out;
}

/** The last hour: an audit is mostly asked about what just happened. */
const firstFrom = (): string => zoneLocal(Math.floor(((serverTime() ?? Date.now()) - HOUR_MS) / 60_000) * 60_000, zoneTz.peek());

/** What an entry is, in words; of a type that has none its name. */
function typeText(type: string): string {
  const known = code('audit.type', type);
  return known === type ? `${t('audit.type.entry')}: ${type}` : known;
}

function Fields() {
  const [from] = useState(firstFrom);
  return (
    <div class="audit-search">
      <Field label={t('audit.from', { tz: zoneTz.value })}><input name="from" type="datetime-local" defaultValue={from} data-testid="audit-from" /></Field>
      <Field label={t('audit.to')}><input name="to" type="datetime-local" /></Field>
      <Field label={t('audit.type')}><input name="what" type="text" list="audit-types" maxLength={60} spellcheck={false} data-testid="audit-type" /></Field>
      <Field label={t('audit.by')}><input name="who" type="text" list="audit-people" maxLength={120} spellcheck={false} data-testid="audit-by" /></Field>
      <Field label={t('audit.object')}><input name="object" type="text" maxLength={300} spellcheck={false} /></Field>
      <Field label={t('audit.text')}><input name="q" type="text" maxLength={200} data-testid="audit-q" /></Field>
      <datalist id="audit-types">{TYPES.map((k) => <option key={k} value={k}>{typeText(k)}</option>)}</datalist>
      <datalist id="audit-people">{(people.items.value ?? []).map((p) => <option key={p.id} value={p.id}>{personName(p.id)}</option>)}</datalist>
    </div>
  );
}

function Events({ items }: { items: readonly AuditEvent[] }) {
  return (
    <Table label={t('audit.events')} heads={['seq', 'at', 'what', 'by', 'object', 'why', 'source'].map((k) => t(`audit.col.${k as 'seq'}`))}>
      {items.map((e) => (
        <tr key={e.seq} data-seq={e.seq}>
          <td class="num">{e.seq}</td>
          <td><Time at={e.at} date /></td>
          <td class="wrap" title={e.what}>{typeText(e.what)}{e.outcome !== 'done' && <div class="sub"><span class={e.what.endsWith('.refused') ? 'tag tag-warn' : ''}>{e.outcome}</span></div>}</td>
          <td class="wrap" title={e.who}>{e.who ? personName(e.who) : t('audit.system')}</td>
          <td class="wrap mono">{e.object}</td>
          <td class="wrap">{e.why}</td>
          <td class="mono">{e.from}</td>
        </tr>
      ))}
    </Table>
  );
}

function Checkpoint() {
  const [got, setGot] = useState<AuditCheckpoint | null>(null);
  const { busy, failure, act } = useAct();
  const load = () => void act(async () => setGot(await accounts.checkpoint()));
  useEffect(load, []);
  return (
    <section class="desk-section" aria-label={t('audit.checkpoint')} data-testid="checkpoint">
      <h2>{t('audit.checkpoint')}</h2>
      <Failure of={failure} />
      {got && (
        <>
          <p>{t('audit.size', { n: formatNumber(got.size) })}</p>
          {got.checkpoint ? <pre class="mono checkpoint">{got.checkpoint}</pre> : <p class="muted">{t('audit.noCheckpoint')}</p>}
          <p>{t('audit.key')} <span class="mono">{got.key}</span></p>
          <p class="muted">{t('audit.keep')}</p>
          <pre class="mono checkpoint">{`testzone verify --key '${got.key}' --checkpoint kept-checkpoint.txt DATA/journal`}</pre>
        </>
      )}
      <div class="actions"><button class="button" type="button" disabled={busy} onClick={load}>{t('audit.reload')}</button></div>
    </section>
  );
}

export function AuditPage() {
  const form = useRef<HTMLFormElement>(null);
  const { busy, failure, act } = useAct();
  const [search, setSearch] = useState<AuditSearch>({});
  const [shown, setShown] = useState<{ items: readonly AuditEvent[]; next: string | null } | null>(null);
  // Cursors of every page up to the one that is shown.
  const [trail, setTrail] = useState<readonly string[]>(['']);
  const go = (s: AuditSearch, to: readonly string[]) => act(async () => {
    const got = await accounts.audit(s, to[to.length - 1]!, PAGE);
    setSearch(s);
    setTrail(to);
    setShown({ items: got.items ?? [], next: got.next });
  });
  const submit = (e?: Event) => {
    e?.preventDefault();
    void go(searchOf(form.current!), ['']);
  };
  useEffect(() => submit(), []);
  const next = shown?.next ?? null;
  return (
    <>
      <form ref={form} onSubmit={submit} aria-label={t('desk.audit')} data-testid="audit-form">
        <Fields />
        <div class="desk-bar audit-bar">
          <button class="button primary" type="submit" disabled={busy} data-testid="audit-search">{t('audit.search')}</button>
          <span class="spacer" />
          {(['csv', 'json'] as const).map((f) => (
            <a key={f} class="button" href={accounts.auditUrl(search, f)} download={`audit.${f}`} data-testid={`audit-${f}`}>{t(`audit.${f}`)}</a>
          ))}
        </div>
      </form>
      <Failure of={failure} />
      {shown && (
        <>
          <p class="muted" role="status">{plural('audit.found', shown.items.length)} · {t('audit.order')}</p>
          {shown.items.length > 0 && <Events items={shown.items} />}
          <div class="desk-bar">
            <button class="button" type="button" disabled={busy || trail.length === 1} onClick={() => void go(search, trail.slice(0, -1))}>{t('audit.previous')}</button>
            <button class="button" type="button" disabled={busy || next === null} data-testid="audit-next" onClick={() => void go(search, [...trail, next!])}>{t('audit.next')}</button>
          </div>
        </>
      )}
      <Checkpoint />
    </>
  );
}
