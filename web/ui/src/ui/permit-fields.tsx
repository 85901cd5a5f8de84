// Fields of the applicant's wizard. Each changes the one form.

import { useState } from 'preact/hooks';
import type { Document } from '../api/permits';
import { code, formatNumber, t, type LaterKey } from '../i18n/later';
import { zoneTz } from '../state/clock';
import { Field } from './account-bits';
import { DATUMS, type HeightForm, type SpanForm } from './permit-form';

type Words = 'perm.title' | 'perm.scenario' | 'perm.ref' | 'perm.role' | 'perm.licence' | 'perm.insurer' | 'perm.number' | 'perm.sum' | 'perm.speed' | 'perm.road' | 'perm.evidence';

export function Text({ label, id, value, set, hint, max = 120, numeric = false, list }: {
  label: Words | string; id: string; value: string; set: (v: string) => void; hint?: string; max?: number; numeric?: boolean; list?: string;
}) {
  return (
    <Field label={label.startsWith('perm.') ? t(label as Words) : label} {...(hint ? { hint } : {})}>
      <input type="text" inputMode={numeric ? 'decimal' : 'text'} maxLength={max} value={value} data-testid={id} {...(list ? { list } : {})} onInput={(e) => set(e.currentTarget.value)} />
    </Field>
  );
}

export function When({ label, id, value, set }: { label: LaterKey; id: string; value: string; set: (v: string) => void }) {
  return (
    <Field label={`${(t as (k: LaterKey) => string)(label)} (${zoneTz.value})`}>
      <input type="datetime-local" value={value} data-testid={id} onInput={(e) => set(e.currentTarget.value)} />
    </Field>
  );
}

export function Span({ id, of, set }: { id: string; of: SpanForm; set: (s: SpanForm) => void }) {
  return (
    <div class="field-row">
      <When label="perm.from" id={`${id}-from`} value={of.from} set={(from) => set({ ...of, from })} />
      <When label="perm.to" id={`${id}-to`} value={of.to} set={(to) => set({ ...of, to })} />
    </div>
  );
}

export function Height({ label, id, of, set }: { label: 'perm.floor' | 'perm.ceiling'; id: string; of: HeightForm; set: (h: HeightForm) => void }) {
  return (
    <div class="field-row">
      <Text label={t(label)} id={id} numeric value={of.m} set={(m) => set({ ...of, m })} />
      <Field label={t('perm.datum', { of: t(label) })}>
        <select value={of.datum} data-testid={`${id}-datum`} onChange={(e) => set({ ...of, datum: e.currentTarget.value as HeightForm['datum'] })}>
          {DATUMS.map((d) => <option key={d} value={d}>{code('perm.datum', d)}</option>)}
        </select>
      </Field>
    </div>
  );
}

export function Check({ label, id, on, set }: { label: string; id: string; on: boolean; set: (on: boolean) => void }) {
  return <label class="check"><input type="checkbox" checked={on} data-testid={id} onChange={(e) => set(e.currentTarget.checked)} />{label}</label>;
}

export interface Choice { value: string; label: string }

export function Pick({ label, id, value, all, set, none }: { label: string; id: string; value: string; all: readonly Choice[]; set: (v: string) => void; none?: string }) {
  return (
    <Field label={label}>
      <select value={value} data-testid={id} onChange={(e) => set(e.currentTarget.value)}>
        {none !== undefined && <option value="">{none}</option>}
        {all.map((c) => <option key={c.value} value={c.value}>{c.label}</option>)}
      </select>
    </Field>
  );
}

/** One of a list with what changes it in place and takes it out. */
export const replaced = <T,>(all: readonly T[], at: number, by: T): T[] => all.map((x, i) => (i === at ? by : x));
export const without = <T,>(all: readonly T[], at: number): T[] => all.filter((_, i) => i !== at);

const hex = (b: ArrayBuffer) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, '0')).join('');

/** A file as what is signed for: its digest, type and size. The file itself stays here. */
async function digestOf(file: File): Promise<Document> {
  return { sha256: hex(await crypto.subtle.digest('SHA-256', await file.arrayBuffer())), type: file.type || 'application/octet-stream', bytes: file.size };
}

const named = (type: string) => type.split('/').pop()!.toUpperCase();

/** The documents of an item. What the pack refuses is said before anything is read. */
export function Documents({ id, label, of, types, maxBytes, set }: {
  id: string; label: string; of: readonly Document[]; types: readonly string[]; maxBytes: number; set: (d: readonly Document[]) => void;
}) {
  const [wrong, setWrong] = useState('');
  const [names, setNames] = useState<Readonly<Record<string, string>>>({});
  const rules = t('perm.docRules', { types: types.map(named).join(', '), mb: formatNumber(maxBytes / 1_048_576, maxBytes % 1_048_576 ? 1 : 0) });
  const add = async (files: readonly File[]) => {
    setWrong('');
    const made: Document[] = [];
    for (const f of files) {
      if (!types.includes(f.type) || f.size > maxBytes || f.size === 0) {
        setWrong(t('perm.docWrong', { name: f.name, rules }));
        continue;
      }
      const d = await digestOf(f);
      setNames((n) => ({ ...n, [d.sha256]: f.name }));
      made.push(d);
    }
    const all = [...of, ...made];
    if (made.length) set(all.filter((d, i) => all.findIndex((x) => x.sha256 === d.sha256) === i));
  };
  return (
    <div class="perm-docs" data-docs={id}>
      <ul>
        {of.map((d, i) => (
          <li key={d.sha256}>
            {names[d.sha256] ?? named(d.type)} · {t('perm.docSize', { kb: formatNumber(Math.ceil(d.bytes / 1024)) })} · <span class="mono small" title={d.sha256}>SHA-256 {d.sha256.slice(0, 12)}…</span>{' '}
            <button class="link-button" type="button" onClick={() => set(without(of, i))}>{t('perm.remove')}</button>
          </li>
        ))}
      </ul>
      <Field label={t('perm.docAdd', { title: label })} hint={rules}>
        <input type="file" multiple accept={types.join(',')} data-testid={`doc-${id}`} onChange={(e) => {
          const input = e.currentTarget;
          void add([...(input.files ?? [])]).finally(() => (input.value = ''));
        }} />
      </Field>
      <div role="alert" class="error">{wrong}</div>
    </div>
  );
}
