// Pieces that the applicant's pages share: texts of the pack, faults beside their field.

import type { Clock, Fault, Named, Pack, Permit } from '../api/permits';
import { code, lang, t, type LaterKey } from '../i18n/later';
import { serverTime, shortAge, zoneClock, zoneTz } from '../state/clock';
import type { UnixMs } from '../units';
import { change, faults, form, inputFaults, pack, placed } from './permit-draft';
import { isAt, taking } from './permit-form';

export const clock = (at: string): string => zoneClock(Date.parse(at) as UnixMs, true);
export const nowMs = (): number => serverTime() ?? Date.now();
export const words = (x: { en: string; zh: string }): string => (lang.value === 'en' ? x.en : x.zh);

/** What a source is worth, said plainly where it is not in force. */
export function Mark({ of: n }: { of: Named | undefined }) {
  if (!n?.mark || n.mark === 'in_force') return null;
  return <span class="tag tag-warn" title={t('perm.markHint')}>{code('rev.mark', n.mark)}</span>;
}

export function PackNote({ of: p }: { of: Pick<Pack, 'title' | 'status' | 'id'> }) {
  if (p.status === 'in_force') return <p class="muted">{t('perm.pack', { pack: words(p.title), id: p.id })}</p>;
  return <p class="note" data-testid="perm-pack">{t('perm.packNot', { pack: words(p.title), id: p.id, status: code('perm.status', p.status) })}</p>;
}

export const departmentName = (p: Pack | null, id: string): string => {
  const d = p?.departments?.find((x) => x.id === id);
  return d ? words(d.title) : id;
};
export const clockName = (p: Pack | null, id: string): string => (p?.clocks?.[id] ? words(p.clocks[id]!.title) : id);

/** The deadline that comes next; null: none runs. */
export const nextClock = (p: Pick<Permit, 'clocks'>): Clock | null =>
  (p.clocks ?? []).filter((c) => c.state === 'open' && !c.opens).sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at))[0] ?? null;

export function TimeLeft({ of: c }: { of: Clock }) {
  const left = Date.parse(c.due_at) - nowMs();
  return (
    <>
      {clock(c.due_at)}
      <span class="sub"> {c.state === 'met' ? t('perm.clock.met') : c.opens ? t('perm.clock.opens')
        : c.state === 'missed' || left < 0 ? <strong class="tag tag-warn">{t('rev.overdue')}</strong> : t('rev.left', { time: shortAge(left) })}
      {c.provisional && <> · {t('perm.clock.provisional')}</>}</span>
    </>
  );
}

/** What a rule says, in the language of the user where we can say it. */
export function faultText(f: Fault, p: Pack | null): string {
  if (lang.value === 'en') return f.message;
  const [part, id = ''] = f.item.split('/');
  if (part === 'items' && p?.items?.[id]) return t(f.rule.endsWith('/document') ? 'perm.fault.document' : f.code === 'missing' ? 'perm.fault.item' : 'perm.fault.itemBad', { title: words(p.items[id]!.title) });
  if (part === 'checklist') {
    const q = p?.tiers?.flatMap((x) => x.checklist ?? []).find((x) => x.id === id);
    if (q) return t('perm.fault.checklist', { title: words(q.question) });
  }
  if (part === 'disclosure') return t('perm.fault.disclosure', { what: code('perm.dis', id) });
  const policy = f.rule.startsWith('/insurance/') ? p?.insurance?.find((x) => `/insurance/${x.id}` === f.rule) : undefined;
  if (policy) return t(f.code === 'missing' ? 'perm.fault.policy' : 'perm.fault.policyBad', { title: words(policy.title) });
  const say = code('perm.fault', f.code === 'missing' || f.code === 'invalid' ? `${f.code}.${part}` : f.code);
  return say.includes('.') ? f.message : say;
}

function OfferButton({ of: f }: { of: Fault }) {
  const o = f.offer;
  const now = form.value;
  if (!o || !now) return null;
  const key: LaterKey = o.shift_s ? (o.shift_s > 0 ? 'perm.take.later' : 'perm.take.earlier') : o.to ? 'perm.take.to' : o.exempt_fence ? 'perm.take.exempt' : 'perm.take.sum';
  const what = o.shift_s ? shortAge(Math.abs(o.shift_s) * 1000) : o.to ? clock(o.to) : o.exempt_fence || String(o.per_vehicle_cny ?? '');
  return (
    <button class="button" type="button" data-testid="perm-take" onClick={() => change(taking(now, o, f, zoneTz.value))}>
      {(t as (k: LaterKey, p: { what: string }) => string)(key, { what })}
    </button>
  );
}

export function FaultLine({ of: f }: { of: Fault }) {
  return (
    <>
      <strong>{faultText(f, pack.value)}</strong>
      {(f.metres > 0 || f.minutes > 0) && <> · {[f.metres > 0 ? t('perm.byM', { n: f.metres.toFixed(1) }) : '', f.minutes > 0 ? t('perm.byMin', { n: f.minutes.toFixed(0) }) : ''].filter(Boolean).join(', ')}</>}
      {f.passes && lang.value === 'en' && <> · {t('rev.passes', { what: f.passes })}</>}
      {f.rule && <> <span class="mono muted small">{f.rule}</span></>}
      {' '}<OfferButton of={f} />
    </>
  );
}

/** What speaks against what stands at a place, beside it. only: of the place itself, not in it. */
export function FaultsAt({ at, only = false }: { at: string; only?: boolean }) {
  const here = (item: string) => (only ? item === at : isAt(item, at));
  const typed = inputFaults.value.filter((f) => here(f.item));
  const said = faults.value === null ? [] : placed.value.filter((f) => here(f.item));
  return (
    <div role="status" data-faults={at}>
      {typed.length + said.length > 0 && (
        <ul class="error faults">
          {typed.map((f) => <li key={f.item + f.code} data-input={f.item}>{t(`perm.in.${f.code}`)}</li>)}
          {typed.length === 0 && said.map((f, i) => <li key={i} data-fault={f.item} data-code={f.code}><FaultLine of={f} /></li>)}
        </ul>
      )}
    </div>
  );
}
