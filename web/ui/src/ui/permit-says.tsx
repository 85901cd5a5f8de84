// What the applicant declares and encloses: facts that the rules ask, items of the kind
// with their documents, the checklist and what becomes public, as the risk tier asks.

import { code, t } from '../i18n/later';
import { Field } from './account-bits';
import { FaultsAt } from './permit-bits';
import { change, form, kind, pack, placed } from './permit-draft';
import { Documents, Pick, Text } from './permit-fields';
import type { PermitForm } from './permit-form';
import { words } from './permit-words';

/** auto_km@open_road as words. */
function factName(fact: string): string {
  const [name, scope] = fact.split('@');
  return code('perm.fact', name!) + (scope ? ` · ${code('perm.scope', scope)}` : '');
}

function Facts({ of: f }: { of: PermitForm }) {
  const questions = kind.value?.questions ?? [];
  if (questions.length === 0) return null;
  const set = (fact: string, v: string) => change({ facts: { ...f.facts, [fact]: v } });
  return (
    <fieldset>
      <legend>{t('perm.facts')}</legend>
      <p class="muted small">{t('perm.factsHint')}</p>
      {questions.map((q) => {
        const [label, value, id] = [factName(q.fact), f.facts[q.fact] ?? '', `fact-${q.fact}`];
        return (
          <div key={q.fact}>
            {q.kind === 'yes_no' ? <Pick label={label} id={id} value={value} none={t('perm.notSaid')} all={[{ value: 'no', label: t('no') }, { value: 'yes', label: t('yes') }]} set={(v) => set(q.fact, v)} />
              : q.kind === 'number' ? <Text label={label} id={id} numeric value={value} set={(v) => set(q.fact, v)} />
              : <Text label={label} id={id} value={value} hint={(q.words ?? []).join(', ')} set={(v) => set(q.fact, v)} />}
            <FaultsAt at={`facts/${q.fact}`} />
          </div>
        );
      })}
      <FaultsAt at="facts" only />
    </fieldset>
  );
}

function Items({ of: f }: { of: PermitForm }) {
  const p = pack.value!;
  const want = (kind.value?.forms ?? []).find((x) => x.subtype === f.subtype && x.crew === f.crew);
  if (!want) return null;
  const optional = want.optional ?? [];
  const ids = [...(want.must ?? []), ...optional];
  const extra = Object.keys(f.items).filter((id) => !ids.includes(id));
  return (
    <fieldset>
      <legend>{t('perm.items')}</legend>
      {[...ids, ...extra].map((id) => {
        const item = p.items?.[id];
        const has = f.items[id] ?? { text: '', documents: [] };
        const title = (item ? words(item.title) : id) + (optional.includes(id) ? ` (${t('perm.optional')})` : '');
        const set = (part: Partial<typeof has>) => change({ items: { ...f.items, [id]: { ...has, ...part } } });
        return (
          <div key={id} class="perm-one" role="group" aria-label={title}>
            <Field label={title}>
              <textarea rows={2} maxLength={4000} value={has.text} data-testid={`item-${id}`} onInput={(e) => set({ text: e.currentTarget.value })} />
            </Field>
            {(item?.types ?? []).length > 0 && <Documents id={id} label={item ? words(item.title) : id} of={has.documents} types={item!.types!} maxBytes={item!.max_bytes} set={(documents) => set({ documents })} />}
            <FaultsAt at={`items/${id}`} />
            {extra.includes(id) && (
              <button class="link-button" type="button" onClick={() => change({ items: Object.fromEntries(Object.entries(f.items).filter(([k]) => k !== id)) })}>{t('perm.removeItem', { title })}</button>
            )}
          </div>
        );
      })}
    </fieldset>
  );
}

/** Asked for when a rule says so, and shown as long as something is in it. */
function Asked({ of: f }: { of: PermitForm }) {
  const p = pack.value!;
  const faulty = (part: string) => placed.value.filter((x) => x.item.startsWith(`${part}/`)).map((x) => x.item.slice(part.length + 1));
  const lines = (p.tiers ?? []).flatMap((x) => x.checklist ?? []).filter((q) => f.checklist[q.id] || faulty('checklist').includes(q.id));
  const names = [...new Set((p.tiers ?? []).flatMap((x) => x.disclosure ?? []))].filter((n) => f.disclosure[n] !== undefined || faulty('disclosure').includes(n));
  return (
    <>
      {lines.length > 0 && (
        <fieldset data-testid="perm-checklist">
          <legend>{t('perm.checklist')}</legend>
          <p class="muted small">{t('perm.checklistHint')}</p>
          {lines.map((q) => {
            const a = f.checklist[q.id] ?? { text: '', evidence: '' };
            const set = (part: Partial<typeof a>) => change({ checklist: { ...f.checklist, [q.id]: { ...a, ...part } } });
            return (
              <div key={q.id} class="perm-one" role="group" aria-label={words(q.question)}>
                <Field label={words(q.question)}>
                  <textarea rows={2} maxLength={4000} value={a.text} data-testid={`check-${q.id}`} onInput={(e) => set({ text: e.currentTarget.value })} />
                </Field>
                <Text label="perm.evidence" id={`proof-${q.id}`} max={200} value={a.evidence} set={(evidence) => set({ evidence })} />
                <FaultsAt at={`checklist/${q.id}`} />
              </div>
            );
          })}
        </fieldset>
      )}
      {names.length > 0 && (
        <fieldset data-testid="perm-disclosure">
          <legend>{t('perm.disclosure')}</legend>
          <p class="note">{t('perm.disclosureHint')}</p>
          {names.map((n) => (
            <div key={n}>
              <Text label={code('perm.dis', n)} id={`dis-${n}`} max={2000} value={f.disclosure[n] ?? ''} set={(v) => change({ disclosure: { ...f.disclosure, [n]: v } })} />
              <FaultsAt at={`disclosure/${n}`} />
            </div>
          ))}
        </fieldset>
      )}
    </>
  );
}

export function SaysStep() {
  const f = form.value!;
  if (!kind.value) return <p class="empty">{t('perm.kindFirst')}</p>;
  return <><Facts of={f} /><Items of={f} /><Asked of={f} /></>;
}
