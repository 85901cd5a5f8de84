// The terms of the fence that is edited: what it asks, at which heights, of whom.

import type { ComponentChildren } from 'preact';
import { DATUMS, KINDS, RESPONSES, type ClassName, type Datum, type Draft, type Field, type Kind, type Response } from '../fence/draft';
import { t } from '../i18n/later';
import { draft, faults, setDraft } from '../state/fence-editor';
import { fieldFaultText } from './fence-text';

export function FieldFaults({ field }: { field: Field }) {
  const found = faults.value.filter((f) => f.field === field);
  if (found.length === 0) return null;
  return <ul class="error faults" id={`fault-${field}`}>{found.map((f, i) => <li key={i}>{fieldFaultText(f)}</li>)}</ul>;
}

const wrong = (field: Field) =>
  faults.value.some((f) => f.field === field) ? { 'aria-invalid': true as const, 'aria-describedby': `fault-${field}` } : {};

function Labelled({ label, field, children }: { label: string; field?: Field; children: ComponentChildren }) {
  return (
    <div class="labelled">
      <label class="field"><span>{label}</span>{children}</label>
      {field && <FieldFaults field={field} />}
    </div>
  );
}

function HeightFields({ which }: { which: 'floor' | 'ceiling' }) {
  const h = draft.value[which];
  return (
    <div class="labelled">
      <div class="pair">
        <label class="field">
          <span>{t(which === 'floor' ? 'draft.floor' : 'draft.ceiling')}</span>
          <input type="text" inputMode="decimal" value={h.m} placeholder={t(which === 'floor' ? 'fence.ground' : 'fence.unlimited')} data-testid={`draft-${which}`}
            {...wrong(which)} onInput={(e) => setDraft({ [which]: { ...h, m: e.currentTarget.value } })} />
        </label>
        <label class="field">
          <span>{t(which === 'floor' ? 'draft.floorDatum' : 'draft.ceilingDatum')}</span>
          <select value={h.datum} onChange={(e) => setDraft({ [which]: { ...h, datum: e.currentTarget.value as Datum } })}>
            {DATUMS.map((d) => <option key={d} value={d}>{t(`fence.datum.${d}`)}</option>)}
          </select>
        </label>
      </div>
      {h.datum === 'agl' && h.m.trim() !== '' && <p class="note small">{t('draft.aglNote')}</p>}
      <FieldFaults field={which} />
    </div>
  );
}

function Classes() {
  const has = draft.value.classes;
  const toggle = (c: ClassName) => setDraft({ classes: has.includes(c) ? has.filter((x) => x !== c) : [...has, c] });
  return (
    <div class="labelled" role="group" aria-label={t('fences.col.applies')}>
      <span class="label">{t('fences.col.applies')}</span>
      <div class="tool-row">
        {(['uav', 'icv', 'usv'] as const).map((c) => (
          <label key={c} class="check"><input type="checkbox" checked={has.includes(c)} onChange={() => toggle(c)} />{t(`class.${c}`)}</label>
        ))}
        {has.length === 0 && <span class="muted">{t('fence.allClasses')}</span>}
      </div>
      <FieldFaults field="classes" />
    </div>
  );
}

const lists = [
  ['operators', 'operators'], ['vehicles', 'vehicles'], ['permits', 'permits'],
  ['exemptOperators', 'exempt_operators'], ['exemptVehicles', 'exempt_vehicles'], ['exemptPermits', 'exempt_permits'],
] as const;

function More() {
  const d = draft.value;
  const used = d.margin || d.group || d.edges !== 'lonlat' || lists.some(([k]) => d[k]) || faults.value.some((f) => ['margin', 'group', 'edges', 'who'].includes(f.field ?? ''));
  return (
    <details open={Boolean(used)}>
      <summary>{t('draft.more')}</summary>
      <Labelled label={t('draft.margin')} field="margin">
        <input type="text" inputMode="decimal" value={d.margin} placeholder="0" {...wrong('margin')} onInput={(e) => setDraft({ margin: e.currentTarget.value })} />
      </Labelled>
      <Labelled label={t('field.edges')} field="edges">
        <select value={d.edges} onChange={(e) => setDraft({ edges: e.currentTarget.value as Draft['edges'] })}>
          {(['lonlat', 'geodesic'] as const).map((k) => <option key={k} value={k}>{t(`edges.${k}`)}</option>)}
        </select>
      </Labelled>
      {d.kind === 'keep_in' && (
        <Labelled label={t('draft.group')} field="group">
          <input type="text" value={d.group} onInput={(e) => setDraft({ group: e.currentTarget.value })} />
        </Labelled>
      )}
      {lists.map(([key, name]) => (
        <Labelled key={key} label={t(`field.${name}`)}>
          <input type="text" value={d[key]} placeholder={name.startsWith('exempt') ? t('none') : t('fence.allClasses')} spellcheck={false}
            onInput={(e) => setDraft({ [key]: e.currentTarget.value })} />
        </Labelled>
      ))}
      <FieldFaults field="who" />
      <p class="muted small">{t('draft.whoHint')}</p>
    </details>
  );
}

export function FenceFields() {
  const d = draft.value;
  return (
    <fieldset>
      <legend>{t('draft.terms')}</legend>
      <Labelled label={t('field.name')} field="name">
        <input type="text" maxLength={120} value={d.name} data-testid="draft-name" {...wrong('name')} onInput={(e) => setDraft({ name: e.currentTarget.value })} />
      </Labelled>
      <div class="pair">
        <Labelled label={t('field.kind')} field="kind">
          <select value={d.kind} data-testid="draft-kind" onChange={(e) => setDraft({ kind: e.currentTarget.value as Kind })}>
            {KINDS.map((k) => <option key={k} value={k}>{t(`fence.${k}`)}</option>)}
          </select>
        </Labelled>
        <Labelled label={t('field.response')} field="response">
          <select value={d.response} data-testid="draft-response" onChange={(e) => setDraft({ response: e.currentTarget.value as Response })}>
            {RESPONSES.map((k) => <option key={k} value={k}>{t(`response.${k}`)}</option>)}
          </select>
        </Labelled>
      </div>
      {d.kind === 'speed_limit' && (
        <Labelled label={t('draft.speed')} field="speed">
          <input type="text" inputMode="decimal" value={d.speed} data-testid="draft-speed" {...wrong('speed')} onInput={(e) => setDraft({ speed: e.currentTarget.value })} />
        </Labelled>
      )}
      <HeightFields which="floor" />
      <HeightFields which="ceiling" />
      <Classes />
      <More />
    </fieldset>
  );
}
