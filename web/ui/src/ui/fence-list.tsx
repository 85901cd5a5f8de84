// The list of fences, details of the selected fence with what can be done to it.

import { code, plural, t } from '../i18n/later';
import type { Fence } from '../api/types';
import { fences as fenceApi } from '../api/fences';
import { liveMap } from '../map/current';
import { editFence, newFence } from '../state/fence-editor';
import { busy, failure, openVersions, remove, removed, removing } from '../state/fence-versions';
import { ACTS, MAX_PICKED, chosen, openBatch, pick, pickAll, picked } from '../state/fence-batch';
import { openDeleted } from '../state/fence-deleted';
import { importing } from '../state/fence-import';
import { mayWrite, startEmergency } from '../state/modes';
import { colleagueName } from '../state/names';
import { breachedFences, fences } from '../state/ops';
import { fenceOpen } from '../state/view';
import { Row, Time, arrowKeys } from './bits';
import { Enforcement } from './fence-enforcement';
import { appliesText, bandText, memberText, scheduleText, shapeText } from './fence-text';
import { shapeBox } from '../fence/measure';
import { shapeOf } from '../fence/shape';

function zoomTo(f: Fence): void {
  const shape = shapeOf(f);
  const box = shape && shapeBox(shape);
  if (box) liveMap()?.view.fit(box);
}

function openFence(f: Fence): void {
  fenceOpen.value = f.id;
  removing.value = null;
  failure.value = null;
  zoomTo(f);
}

function Toolbar() {
  return (
    <div class="filters fence-tools">
      {mayWrite.value && (
        <>
          <button class="button primary" type="button" data-testid="fence-new" onClick={newFence}>{t('fences.new')}</button>
          <button class="button" type="button" data-testid="fence-emergency" title={`${t('emergency.open')} (F)`} onClick={() => startEmergency()}>{t('emergency.open')}</button>
          <button class="button" type="button" data-testid="fence-import" onClick={() => (importing.value = true)}>{t('import.open')}</button>
        </>
      )}
      <button class="button" type="button" data-testid="fence-deleted" onClick={() => void openDeleted()}>{t('deleted.open')}</button>
      <span class="spacer" />
      {(['geojson', 'kml'] as const).map((f) => (
        <a key={f} class="button" href={fenceApi.exportUrl(f)} download={`fences.${f}`} data-testid={`fence-export-${f}`}>{t(`export.${f}`)}</a>
      ))}
    </div>
  );
}

/** What can be done with all chosen fences at once. */
function Picked() {
  const n = chosen.value.length;
  if (n === 0) return null;
  return (
    <div class="filters fence-tools" role="group" aria-label={plural('batch.fences', n)} data-testid="picked">
      <span>{plural('batch.fences', n)}</span>
      {ACTS.map((a) => <button key={a} class="button" type="button" data-testid={`picked-${a}`} onClick={() => openBatch(a)}>{t(`batch.${a}`)}</button>)}
      <span class="spacer" />
      <button class="button" type="button" onClick={() => pickAll(false)}>{t('batch.none')}</button>
    </div>
  );
}

function Removed() {
  const r = removed.value;
  if (!r) return null;
  return (
    <p class="note notice" data-testid="fence-removed">
      {t('remove.done', { name: r.name })} <button class="link-button" type="button" onClick={() => openVersions(r)}>{t('remove.back')}</button>
    </p>
  );
}

function Confirm({ f }: { f: Fence }) {
  return (
    <div class="note" role="group" aria-label={t('remove.title')}>
      <p>{t('remove.sure', { name: f.name })}</p>
      <div class="actions">
        <button class="button danger" type="button" disabled={busy.value} data-testid="fence-delete-confirm" ref={(el) => el?.focus()}
          onClick={() => void remove(f)}>{t('remove.confirm')}</button>
        <button class="button" type="button" onClick={() => (removing.value = null)}>{t('cancel')}</button>
      </div>
    </div>
  );
}

function Details({ f }: { f: Fence }) {
  const manual = f.origin.kind === 'manual';
  const who = (['operators', 'vehicles', 'permits', 'exempt_operators', 'exempt_vehicles', 'exempt_permits'] as const).filter((k) => (f.applies[k] ?? []).length > 0);
  return (
    <section class="fence-details" aria-label={t('fences.details', { name: f.name })} data-testid="fence-details">
      <h2><span class={`swatch swatch-${f.kind}`} aria-hidden="true" />{f.name}</h2>
      <div class="actions">
        {mayWrite.value && manual && (
          <>
            <button class="button" type="button" data-testid="fence-edit" onClick={() => editFence(f)}>{t('fences.edit')}</button>
            <button class="button" type="button" data-testid="fence-delete" onClick={() => (removing.value = f.id)}>{t('remove.open')}</button>
          </>
        )}
        <button class="button" type="button" data-testid="fence-versions" onClick={() => openVersions(f)}>{t('versions.open')}</button>
        <button class="button" type="button" onClick={() => zoomTo(f)}>{t('fences.zoom')}</button>
      </div>
      {removing.value === f.id && <Confirm f={f} />}
      <p class="error" role="alert">{failure.value}</p>
      <Enforcement f={f} />
      <dl class="facts">
        <Row label={t('field.shape')}>{shapeText(shapeOf(f))}</Row>
        <Row label={t('field.schedule')}>{scheduleText(f.schedule)}</Row>
        {f.kind === 'speed_limit' && <Row label={t('field.speed_mps')}>{memberText(f, 'speed_mps')}</Row>}
        {(f.margin_m ?? 0) > 0 && <Row label={t('field.margin_m')}>{memberText(f, 'margin_m')}</Row>}
        {f.group && <Row label={t('field.group')}>{f.group}</Row>}
        {who.map((k) => <Row key={k} label={t(`field.${k}`)}>{memberText(f, k)}</Row>)}
        <Row label={t('fences.origin')}>{code('origin', f.origin.kind)}{f.origin.id ? ` ${f.origin.id}` : ''}</Row>
        <Row label={t('fences.revision')}>{f.rev} · <Time at={f.updated_at} date /> · {colleagueName(f.updated_by)}</Row>
        <Row label={t('card.id')}><span class="mono">{f.id}</span></Row>
      </dl>
    </section>
  );
}

function FenceRow({ f }: { f: Fence }) {
  return (
    <tr tabIndex={0} aria-selected={fenceOpen.value === f.id} data-fence={f.id} onClick={() => openFence(f)}
      onDblClick={() => editFence(f)} onKeyDown={(e) => {
        if (e.key === 'Enter') openFence(f);
        if (e.key !== ' ' || !mayWrite.value) return;
        pick(f);
        e.preventDefault();
        e.stopPropagation();
      }}>
      {mayWrite.value && (
        <td class="pick">
          <input type="checkbox" tabIndex={-1} checked={picked.value.has(f.id)} disabled={f.origin.kind !== 'manual'} aria-label={t('batch.pick', { name: f.name })} data-testid="pick"
            onClick={(e) => e.stopPropagation()} onChange={() => pick(f)} />
        </td>
      )}
      <td class="wrap">
        <span class={`swatch swatch-${f.kind}`} aria-hidden="true" />{f.name}
        <span class="sub">
          <span class="muted">{code('fence', f.kind)}</span>
          {breachedFences.value.has(f.id) && <span class="tag tag-danger">{t('fence.breached')}</span>}
          {f.in_force === false && <span class="tag">{t('fence.notInForce')}</span>}
          {f.origin.kind !== 'manual' && <span class="tag">{code('origin', f.origin.kind)}</span>}
        </span>
      </td>
      <td class="wrap">{bandText(f)}</td>
      <td class="wrap">{appliesText(f)}</td>
      <td>{code('response', f.response)}</td>
    </tr>
  );
}

function PickAll() {
  const n = chosen.value.length;
  const all = Math.min(MAX_PICKED, fences.value.filter((f) => f.origin.kind === 'manual').length);
  return (
    <input type="checkbox" checked={n > 0 && n === all} aria-label={t('batch.all')} data-testid="pick-all" ref={(el) => {
      if (el) el.indeterminate = n > 0 && n < all;
    }} onChange={(e) => pickAll(e.currentTarget.checked)} />
  );
}

function FenceTable() {
  if (fences.value.length === 0) return <p class="empty">{t('fences.none')}</p>;
  return (
    <div class="scroll" onKeyDown={(e) => arrowKeys(e, 'tbody tr')}>
      <table class="table fence-table" role="grid" aria-label={t('fences.table')}>
        <thead>
          <tr>
            {mayWrite.value && (
              <th class="pick" scope="col">
                <PickAll />
              </th>
            )}
            {(['name', 'band', 'applies', 'response'] as const).map((k) => <th key={k} scope="col">{t(`fences.col.${k}`)}</th>)}
          </tr>
        </thead>
        <tbody>{fences.value.map((f) => <FenceRow key={f.id} f={f} />)}</tbody>
      </table>
    </div>
  );
}

export function FenceList() {
  const open = fences.value.find((f) => f.id === fenceOpen.value);
  return (
    <>
      <Toolbar />
      <Picked />
      <Removed />
      <FenceTable />
      {open && <Details key={open.id} f={open} />}
    </>
  );
}
