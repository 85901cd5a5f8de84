// The fence editor: shape, terms, schedule; then the preview, from which it is published.

import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/later';
import { colleagueName } from '../state/names';
import {
  busy, closeEditor, conflict, draft, faults, failure, leaveEditor, leaving, redo, setDraft, settle, shapeFaults, showPreview, step, toggleSnapping, undo,
} from '../state/fence-editor';
import { DifferenceTable } from './fence-difference';
import { FenceFields, FieldFaults } from './fence-fields';
import { FencePreviewStep } from './fence-preview';
import { ScheduleFields } from './fence-schedule';
import { ShapeFields } from './fence-shape';
import { fieldFaultText } from './fence-text';
import { preview } from '../state/fence-editor';
import { editing } from '../state/modes';
import { shortcutsOn } from '../state/prefs';
import { Glyph } from './icons';

/** Undo, redo and snapping by key, except where text has its own. */
function useEditorKeys(): void {
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      const el = e.target;
      const text = el instanceof HTMLTextAreaElement || (el instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'file'].includes(el.type));
      if (e.altKey || text || step.peek() !== 'edit') return;
      const key = e.key.toLowerCase();
      if (!(e.ctrlKey || e.metaKey)) {
        if (key !== 'g' || !shortcutsOn.peek() || el instanceof HTMLSelectElement) return;
        toggleSnapping();
      } else if (key === 'z') (e.shiftKey ? redo : undo)();
      else if (key === 'y') redo();
      else return;
      e.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}

function Conflict() {
  const theirs = conflict.value;
  const mine = preview.value?.input;
  if (!theirs || !mine) return null;
  return (
    <div class="note" role="alertdialog" aria-label={t('conflict.title')} data-testid="conflict">
      <p><strong>{t('conflict.title')}</strong> {t('conflict.text', { by: colleagueName(theirs.updated_by), rev: theirs.rev })}</p>
      <DifferenceTable before={theirs} after={mine} beforeLabel={t('conflict.theirs', { rev: theirs.rev })} afterLabel={t('conflict.mine')} />
      <div class="actions">
        <button class="button primary" type="button" data-testid="conflict-reload" ref={(el) => el?.focus()} onClick={() => settle(false)}>{t('conflict.reload')}</button>
        <button class="button" type="button" data-testid="conflict-keep" onClick={() => settle(true)}>{t('conflict.keep')}</button>
      </div>
    </div>
  );
}

function Leaving() {
  if (!leaving.value) return null;
  return (
    <div class="note" role="group" aria-label={t('editor.leave')}>
      <p>{t('editor.leave')}</p>
      <div class="actions">
        <button class="button danger" type="button" data-testid="editor-discard" ref={(el) => el?.focus()} onClick={closeEditor}>{t('editor.discard')}</button>
        <button class="button" type="button" onClick={() => (leaving.value = false)}>{t('editor.stay')}</button>
      </div>
    </div>
  );
}

export function FenceEditor() {
  useEditorKeys();
  const heading = useRef<HTMLHeadingElement>(null);
  const base = editing.value;
  useEffect(() => heading.current?.focus(), [base?.id, step.value]);
  const loose = faults.value.filter((f) => f.field === null);
  return (
    <section class="editor" aria-label={t('editor.label')} data-testid="fence-editor" data-step={step.value}>
      <header>
        <h2 ref={heading} tabIndex={-1}>{base ? t('editor.edit', { name: base.name }) : t('editor.new')}</h2>
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={t('editor.close')} title={`${t('editor.close')} (Esc)`} onClick={leaveEditor}><Glyph name="close" /></button>
      </header>
      <Leaving />
      <Conflict />
      <p class="error editor-error" role="alert">{failure.value}{loose.map((f) => <span key={f.at}> {f.at} {fieldFaultText(f)}</span>)}</p>
      {step.value === 'preview' ? <FencePreviewStep /> : (
        <form class="editor-form" noValidate onSubmit={(e) => {
          e.preventDefault();
          void showPreview();
        }}>
          <div class="editor-body">
            <ShapeFields />
            <FenceFields />
            <ScheduleFields value={draft.value.schedule} set={(schedule) => setDraft({ schedule })}><FieldFaults field="schedule" /></ScheduleFields>
          </div>
          <footer>
            <button class="button primary" type="submit" disabled={busy.value || shapeFaults.value.length > 0} data-testid="editor-preview">
              {t(busy.value ? 'editor.busy' : 'editor.preview')}
            </button>
            <button class="button" type="button" onClick={leaveEditor}>{t('cancel')}</button>
          </footer>
        </form>
      )}
    </section>
  );
}
