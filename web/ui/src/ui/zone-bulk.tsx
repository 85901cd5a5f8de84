// One order to many vehicles: which, what it would do to each, the count typed and the
// button held, and what became of each.

import { useId, useState } from 'preact/hooks';
import { bulkApi, type BulkInput, type BulkItem, type BulkKind, type BulkOrder } from '../api/bulk';
import { ApiError } from '../api/client';
import { code, t } from '../i18n/later';
import { announce } from '../state/announce';
import { colleagueName } from '../state/names';
import { Failure, Field, Table, useAct } from './account-bits';
import { Time } from './bits';
import { HoldButton } from './hold-button';
import { latencyText } from './order-offer';
import { onceFor } from './register-input';
import { useRead } from './use-read';

const KINDS: readonly BulkKind[] = ['clear', 'hold', 'stop', 'return', 'land'];
const WHICH = ['against', 'all', 'uav', 'icv', 'usv', 'operator', 'fence', 'vehicles'] as const;
type Which = (typeof WHICH)[number];
/** Those that need a word more. */
const NAMED: readonly Which[] = ['operator', 'fence', 'vehicles'];

function selection(which: Which, names: string): BulkInput['of'] {
  const words = names.split(/[\s,;]+/).filter(Boolean);
  switch (which) {
    case 'against': return { against: true };
    case 'all': return { all: true };
    case 'operator': return { operators: words };
    case 'fence': return { fence: words[0] ?? '' };
    case 'vehicles': return { vehicles: words };
    default: return { classes: [which] };
  }
}

const kindText = (k: string) => (k === 'clear' ? t('bulk.clear') : k === 'end' ? t('bulk.end') : k ? code('order', k) : '–');

function Row({ of: i, given }: { of: BulkItem; given: boolean }) {
  return (
    <tr data-vehicle={i.vehicle_id} data-state={i.state}>
      <td class="wrap">{i.name || i.vehicle_id}<div class="sub">{i.operator}</div></td>
      <td>{kindText(i.kind)}{i.after_s > 0 && <div class="sub">{t(i.held ? 'bulk.heldUntil' : 'bulk.after', { seconds: i.after_s })}</div>}</td>
      <td class="wrap">
        {i.holder && <div>{t('bulk.holder', { person: colleagueName(i.holder) })}</div>}
        {i.crosses > 0 && <div>{t('bulk.crosses', { n: i.crosses })}<div class="sub">{(i.with ?? []).join(', ')}</div></div>}
        {i.cannot && !i.holder && <div class="small" lang="en">{i.cannot}</div>}
      </td>
      {given && <td class="wrap"><strong>{code('bulk.state', i.state)}</strong>{i.latency_ms != null && ` +${latencyText(i.latency_ms)}`}{i.why && <div class="small" lang="en">{i.why}</div>}</td>}
    </tr>
  );
}

function Items({ of: b }: { of: BulkOrder }) {
  const given = b.id !== '';
  return (
    <Table label={t(given ? 'bulk.became' : 'bulk.would')} heads={[t('zone.vehicle'), t('bulk.told'), t('bulk.note'), ...(given ? [t('bulk.stateHead')] : [])]}>
      {(b.items ?? []).map((i) => <Row key={i.vehicle_id} of={i} given={given} />)}
    </Table>
  );
}

function Given({ id }: { id: string }) {
  const { value: b, error } = useRead(id, bulkApi.one);
  const { busy, failure, act } = useAct();
  if (!b) return <Failure of={error} />;
  const waits = (b.items ?? []).some((i) => i.state === 'waiting' && i.after_s > 0);
  return (
    <div class="desk-part" data-testid="bulk-given" data-bulk={b.id} data-ended={b.ended_at !== null}>
      <p role="status">
        <strong>{kindText(b.kind)}</strong> · {colleagueName(b.person)} · {b.given_at && <Time at={b.given_at} />} · {b.reason}
        <br />{Object.entries(b.tally).map(([state, n]) => `${code('bulk.state', state)} ${n}`).join(' · ')}
        {!b.durable && ` · ${t('order.notDurable')}`}
      </p>
      {b.why && <p class="note" lang="en">{b.why}</p>}
      <Failure of={failure ?? error} />
      {waits && !b.cancelled_at && <button class="button" type="button" disabled={busy} data-testid="bulk-cancel" onClick={() => void act(() => bulkApi.cancel(b.id), t('bulk.cancelled'))}>{t('bulk.cancel')}</button>}
      <Items of={b} />
    </div>
  );
}

function Preview({ of: p, body, done, again }: { of: BulkOrder; body: BulkInput; done: (id: string) => void; again: () => void }) {
  const [typed, type] = useState('');
  const { busy, failure, act } = useAct();
  const hint = useId();
  const fits = Number(typed) === p.orders && typed.trim() !== '';
  const give = () => void act(async () => {
    const asked = { ...body, digest: p.digest, expect: p.orders };
    try {
      const b = await bulkApi.give(asked, onceFor()(asked));
      announce(t('bulk.done', { n: b.orders }));
      done(b.id);
    } catch (err) {
      if (err instanceof ApiError && err.code === 'bulk_changed') again();
      throw err;
    }
  });
  return (
    <div class="desk-part" data-testid="bulk-preview" data-orders={p.orders}>
      <p role="status"><strong>{t('bulk.hits', { orders: p.orders, calls: p.calls, leased: p.leased, rest: p.at_rest })}</strong> {p.lasts_s > 0 && t('bulk.lasts', { pairs: p.crossing, seconds: p.lasts_s })}</p>
      <Failure of={failure} />
      {p.orders > 0 && (
        <div class="desk-form">
          <Field label={t('bulk.type')} hint={t('bulk.typeHint')}><input name="count" type="text" inputMode="numeric" autocomplete="off" value={typed} onInput={(e) => type(e.currentTarget.value)} /></Field>
          {fits && !busy && <div class="actions"><HoldButton name="bulk-give" label={t('bulk.give', { order: kindText(p.kind), n: p.orders })} strong hint={hint} begun={() => Promise.resolve(true)} fire={give} /></div>}
          <p class="small muted" id={hint}>{t('order.hint')}</p>
        </div>
      )}
      <Items of={p} />
    </div>
  );
}

/** Which vehicles and what; a preview is of what was chosen then. */
export function BulkPart({ clear }: { clear: boolean }) {
  const [which, choose] = useState<Which>(clear ? 'against' : 'all');
  const [names, name] = useState('');
  const [kind, tell] = useState<BulkKind>(clear ? 'clear' : 'hold');
  const [takeOver, take] = useState(false);
  const [reason, say] = useState('');
  const [shown, show] = useState<{ of: BulkOrder; body: BulkInput } | null>(null);
  const [given, follow] = useState('');
  const { busy, failure, act } = useAct();
  const newest = useRead('bulk', (_, signal) => bulkApi.list(signal)).value?.items?.[0];
  const preview = () => act(async () => {
    const body = { kind, of: selection(which, names), take_over: takeOver, ...(reason.trim() && { reason: reason.trim() }) };
    show({ body, of: await bulkApi.preview(body) });
  });
  const changed = <T,>(set: (v: T) => void) => (v: T) => {
    set(v);
    show(null);
  };
  const follows = given || newest?.id;
  return (
    <section class="desk-part" aria-label={t('bulk.title')} data-testid="bulk">
      <h2>{t('bulk.title')}</h2>
      <div class="desk-form">
        <Field label={t('bulk.which')}>
          <select name="which" value={which} onChange={(e) => changed(choose)(e.currentTarget.value as Which)}>{WHICH.map((w) => <option key={w} value={w}>{t(`bulk.which.${w}`)}</option>)}</select>
        </Field>
        {NAMED.includes(which) && <Field label={t('bulk.names')} hint={t('bulk.namesHint')}><input name="names" type="text" value={names} onInput={(e) => changed(name)(e.currentTarget.value)} /></Field>}
        <Field label={t('bulk.told')}>
          <select name="kind" value={kind} onChange={(e) => changed(tell)(e.currentTarget.value as BulkKind)}>{KINDS.map((k) => <option key={k} value={k}>{kindText(k)}</option>)}</select>
        </Field>
        <Field label={t('zone.reason')}><input name="bulk-reason" type="text" maxLength={500} value={reason} onInput={(e) => changed(say)(e.currentTarget.value)} /></Field>
        <label class="check"><input name="take_over" type="checkbox" checked={takeOver} onChange={(e) => changed(take)(e.currentTarget.checked)} /> {t('bulk.takeOver')}</label>
        <Failure of={failure} />
        <div class="actions"><button class="button" type="button" disabled={busy} data-testid="bulk-look" onClick={() => void preview()}>{t('bulk.look')}</button></div>
      </div>
      {shown && <Preview key={shown.of.digest} of={shown.of} body={shown.body} again={() => void preview()} done={(id) => {
        follow(id);
        show(null);
      }} />}
      {follows && !shown && <><h3>{t('bulk.newest')}</h3><Given key={follows} id={follows} /></>}
    </section>
  );
}
