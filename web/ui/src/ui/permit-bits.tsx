// What speaks against an application, in words and beside the field that it is about.

import type { Fault, Pack } from '../api/permits';
import { code, lang, t, type LaterKey } from '../i18n/later';
import { fences } from '../state/ops';
import { shortAge, zoneTz } from '../state/clock';
import { change, faults, form, inputFaults, pack, placed } from './permit-draft';
import { isAt, taking } from './permit-form';
import { clock, words } from './permit-words';

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
  const met = f.code === 'fence' ? fences.value.find((x) => f.message.includes(x.id)) : undefined;
  return say.includes('.') ? f.message : met ? `${say}：${met.name}` : say;
}

const fenceName = (id: string | undefined) => fences.value.find((x) => x.id === id)?.name ?? id;

function OfferButton({ of: f }: { of: Fault }) {
  const o = f.offer;
  const now = form.value;
  if (!o || !now) return null;
  const key: LaterKey = o.shift_s ? (o.shift_s > 0 ? 'perm.take.later' : 'perm.take.earlier') : o.to ? 'perm.take.to' : o.exempt_fence ? 'perm.take.exempt' : 'perm.take.sum';
  const what = o.shift_s ? shortAge(Math.abs(o.shift_s) * 1000) : o.to ? clock(o.to) : fenceName(o.exempt_fence) || String(o.per_vehicle_cny ?? '');
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
