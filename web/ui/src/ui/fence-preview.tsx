// What publishing would do: who stands inside now, what each would trigger, and
// what differs from the version in force.

import { useEffect, useId, useState } from 'preact/hooks';
import { code, plural, t } from '../i18n/later';
import { liveMap } from '../map/current';
import { busy, preview, publish, step } from '../state/fence-editor';
import { editing } from '../state/modes';
import { select } from '../state/view';
import { DifferenceTable } from './fence-difference';
import { shapeText, bandText, memberText, scheduleText } from './fence-text';
import { ClassIcon } from './icons';
import { Row, Unverified } from './bits';
import { shapeBox } from '../fence/measure';
import { shapeOf } from '../fence/shape';

function Inside() {
  const { inside, count, breaches } = preview.value!.answer;
  const list = inside ?? [];
  return (
    <>
      <h3>{t('preview.inside')}</h3>
      <p class={breaches > 0 ? 'note' : 'muted'} role="status" data-testid="preview-count">
        {count === 0 ? t('preview.nobody') : `${plural('vehicles', count)} · ${plural('preview.breaches', breaches)}`}
      </p>
      {list.length < count && <p class="muted">{plural('import.more', count - list.length)}</p>}
      {list.length > 0 && (
        <table class="table" aria-label={t('preview.inside')} data-testid="preview-inside">
          <thead><tr><th scope="col">{t('col.name')}</th><th scope="col">{t('preview.place')}</th><th scope="col">{t('preview.would')}</th><th scope="col">{t('preview.steps')}</th></tr></thead>
          <tbody>
            {list.map((x) => (
              <tr key={x.vehicle.id} data-vehicle-id={x.vehicle.id} data-would={x.would} onClick={() => select(x.vehicle.id)}>
                <td class="wrap"><span class="who"><ClassIcon cls={x.vehicle.class} hollow={!x.vehicle.verified} />{x.vehicle.name || x.vehicle.id}</span> {!x.vehicle.verified && <Unverified />}</td>
                <td>{t(x.within ? 'preview.within' : 'preview.outside')}</td>
                <td>{x.would === 'breach' ? <span class="tag tag-danger">{t('preview.breach')}</span> : code('preview.would', x.would)}</td>
                <td class="wrap" data-steps={(x.steps ?? []).join(' ')}>
                  {x.would === 'breach' ? (x.steps ?? []).map((s) => code('response', s)).join(' → ') || t('preview.noSteps') : '–'}
                  {x.call && <div class="small">{t('preview.call')} <span lang="en">{x.call}</span></div>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

/** How many would be ordered at once by a slip of the hand; 0: the press alone publishes. */
const manyOrdered = (): number => {
  const { inside, breaches } = preview.value!.answer;
  return breaches > 1 && (inside ?? []).some((x) => x.steps?.length) ? breaches : 0;
};

function Publish() {
  const [typed, type] = useState('');
  const hint = useId();
  const asks = manyOrdered();
  return (
    <>
      {asks > 0 && (
        <label class="field">
          <span>{t('preview.type')}</span>
          <input type="text" inputMode="numeric" autocomplete="off" value={typed} aria-describedby={hint} data-testid="editor-count" onInput={(e) => type(e.currentTarget.value)} />
          <span class="small muted" id={hint}>{t('preview.typeHint')}</span>
        </label>
      )}
      <button class="button primary" type="button" disabled={busy.value || (asks > 0 && typed.trim() !== String(asks))} data-testid="editor-publish"
        onClick={() => void publish()}>{t(busy.value ? 'editor.busy' : 'editor.publish')}</button>
    </>
  );
}

export function FencePreviewStep() {
  const p = preview.value;
  useEffect(() => {
    const s = p && shapeOf(p.input);
    const box = s && shapeBox(s);
    if (box) liveMap()?.view.fit(box);
  }, [p]);
  if (!p) return null;
  const base = editing.value;
  const routes = p.answer.intersects_routes ?? [];
  return (
    <>
      <div class="editor-body" tabIndex={0} role="group" aria-label={t('editor.preview')}>
        <Inside />
        {routes.length > 0 && <p class="note">{plural('preview.routes', routes.length)}</p>}
        <h3>{t(base ? 'preview.changes' : 'preview.fence')}</h3>
        {base
          ? <DifferenceTable before={base} after={p.input} beforeLabel={t('versions.rev', { rev: base.rev })} afterLabel={t('preview.new')} />
          : (
            <dl class="facts">
              <Row label={t('field.name')}>{p.input.name}</Row>
              <Row label={t('field.kind')}>{code('fence', p.input.kind)}{p.input.kind === 'speed_limit' ? ` ${memberText(p.input, 'speed_mps')}` : ''}</Row>
              <Row label={t('field.shape')}>{shapeText(shapeOf(p.input))}</Row>
              <Row label={t('fences.col.band')}>{bandText(p.input)}</Row>
              <Row label={t('fences.col.applies')}>{memberText(p.input, 'classes')}</Row>
              <Row label={t('field.response')}>{code('response', p.input.response)}</Row>
              <Row label={t('field.schedule')}>{scheduleText(p.input.schedule)}</Row>
            </dl>
          )}
      </div>
      <footer>
        <Publish key={String(p.answer.breaches)} />
        <button class="button" type="button" data-testid="editor-back" onClick={() => (step.value = 'edit')}>{t('editor.back')}</button>
      </footer>
    </>
  );
}
