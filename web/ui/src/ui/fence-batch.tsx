// One change of several fences: what is asked, who it concerns, one publication.

import { useEffect, useRef } from 'preact/hooks';
import { RESPONSES, type Response } from '../fence/draft';
import { code, plural, t } from '../i18n/later';
import {
  act, busy, chosen, failure, leaveBatch, plan, previewBatch, publishBatch, response, schedule, scheduleFaults, type Act, type Planned,
} from '../state/fence-batch';
import { ScheduleFields } from './fence-schedule';
import { fieldFaultText, scheduleText } from './fence-text';
import { Glyph } from './icons';

function Choice({ a }: { a: Act }) {
  if (a === 'response') {
    return (
      <label class="field"><span>{t('field.response')}</span>
        <select value={response.value} data-testid="batch-response" onChange={(e) => (response.value = e.currentTarget.value as Response)}>
          {RESPONSES.map((k) => <option key={k} value={k}>{t(`response.${k}`)}</option>)}
        </select>
      </label>
    );
  }
  if (a !== 'schedule') return null;
  return (
    <ScheduleFields value={schedule.value} set={(s) => (schedule.value = s)}>
      <ul class="error faults">{scheduleFaults.value.map((f, i) => <li key={i}>{fieldFaultText({ field: 'schedule', schedule: f })}</li>)}</ul>
    </ScheduleFields>
  );
}

function changeText({ fence, change }: Planned, a: Act): string {
  if (a === 'response') return `${code('response', fence.response)} → ${code('response', change.fence!.response!)}`;
  if (a === 'schedule') return `${scheduleText(fence.schedule)} → ${scheduleText(change.fence!.schedule)}`;
  return t('versions.deleted');
}

function Plan({ list, a }: { list: readonly Planned[]; a: Act }) {
  const breaches = list.reduce((n, p) => n + p.now.breaches, 0);
  return (
    <>
      <p class={breaches > 0 ? 'note' : 'muted'} role="status" data-testid="batch-count">
        {plural('batch.fences', list.length)} · {a === 'delete' ? plural('batch.ends', breaches) : plural('preview.breaches', breaches)}
      </p>
      <table class="table" aria-label={t('batch.preview')} data-testid="batch-plan">
        <thead><tr>{(['fences.col.name', 'preview.changes', 'preview.inside', 'preview.breach'] as const).map((k) => <th key={k} scope="col">{t(k)}</th>)}</tr></thead>
        <tbody>
          {list.map((p) => (
            <tr key={p.fence.id} data-batch={p.fence.id}>
              <td class="wrap">{p.fence.name}</td>
              <td class="wrap">{changeText(p, a)}</td>
              <td>{p.now.count}</td>
              <td>{p.now.breaches > 0 ? <span class="tag tag-danger">{p.now.breaches}</span> : 0}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

export function BatchPanel() {
  const a = act.value!;
  const list = plan.value;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [list === null]);
  return (
    <section class="editor" aria-label={t(`batch.${a}`)} data-testid="batch">
      <header>
        <h2 ref={heading} tabIndex={-1}>{t(`batch.${a}`)} · {plural('batch.fences', chosen.value.length)}</h2>
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={t('close')} onClick={leaveBatch}><Glyph name="close" /></button>
      </header>
      <p class="error editor-error" role="alert">{failure.value}</p>
      <form class="editor-form" noValidate onSubmit={(e) => {
        e.preventDefault();
        void (list ? publishBatch() : previewBatch());
      }}>
        <div class="editor-body">
          {list ? <Plan list={list} a={a} /> : <Choice a={a} />}
        </div>
        <footer>
          <button class={`button ${list && a === 'delete' ? 'danger' : 'primary'}`} type="submit" disabled={busy.value || (list?.length ?? 1) === 0} data-testid={list ? 'batch-publish' : 'batch-preview'}>
            {busy.value ? t('editor.busy') : list ? t('batch.publish', { n: list.length }) : t('editor.preview')}
          </button>
          <button class="button" type="button" onClick={leaveBatch}>{t(list && a !== 'delete' ? 'editor.back' : 'cancel')}</button>
        </footer>
      </form>
    </section>
  );
}
