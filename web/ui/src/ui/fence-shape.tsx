// The shape of the fence that is edited: tools for the hand, numbers for the keyboard.

import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { CoordinateFormat, LineFault } from '../fence/coordinates';
import { toWgs84 } from '../fence/gcj02';
import type { LonLat, Shape } from '../fence/shape';
import { readVertices, shapeFrom, textOf, type ShapeForm as Form } from '../fence/shape-text';
import { shapeBox } from '../fence/measure';
import { t } from '../i18n/later';
import { liveMap } from '../map/current';
import { TOOLS, chooseTool, faults, redo, setShape, shape, shapeFaults, shapes, snapped, snapping, toggleSnapping, tool, undo, type Tool } from '../state/fence-editor';
import { faultText, fieldFaultText, shapeText } from './fence-text';

const format = signal<CoordinateFormat>('decimal');
const gcj = signal(false);
const formOf = (s: Shape | null, k: Tool): Form =>
  s ? (s.kind === 'polygons' ? 'polygon' : s.kind) : k === 'circle' || k === 'corridor' ? k : 'polygon';

function Tools() {
  const s = shape.value;
  const usable = (k: Tool) => (k === 'hole' || k === 'part' ? s?.kind === 'polygons' : k === 'select' ? s !== null : true);
  return (
    <>
      <div class="tool-row" role="group" aria-label={t('tools.label')}>
        {TOOLS.map((k) => (
          <button key={k} class="button" type="button" aria-pressed={tool.value === k} disabled={!usable(k)} data-testid={`tool-${k}`}
            onClick={() => chooseTool(k)}>{t(`tool.${k}`)}</button>
        ))}
      </div>
      <div class="tool-row">
        <button class="button" type="button" disabled={shapes.value.past.length === 0} title={`${t('undo')} (Ctrl+Z)`} data-testid="undo" onClick={undo}>{t('undo')}</button>
        <button class="button" type="button" disabled={shapes.value.future.length === 0} title={`${t('redo')} (Ctrl+Y)`} data-testid="redo" onClick={redo}>{t('redo')}</button>
        <button class="button" type="button" disabled={s === null} onClick={() => {
          const box = s && shapeBox(s);
          if (box) liveMap()?.view.fit(box);
        }}>{t('fences.zoom')}</button>
      </div>
      <div class="tool-row">
        <label class="check"><input type="checkbox" checked={snapping.value} data-testid="snapping" onChange={toggleSnapping} />{t('snap.on')}</label>
        <span class="muted small" role="status" data-testid="snapped">{snapped.value ? t(`snap.${snapped.value.kind}`) : ''}</span>
      </div>
      <p class="muted small">{t(`tool.hint.${tool.value}`)}</p>
    </>
  );
}

const wgs = (v: LonLat): LonLat => (gcj.peek() ? toWgs84(v) : v);

function Measure({ form, value, set }: { form: Form; value: string; set: (v: string) => void }) {
  if (form === 'polygon') return null;
  return (
    <label class="field">
      <span>{t(form === 'circle' ? 'shape.radius' : 'shape.width')}</span>
      <input type="text" inputMode="decimal" value={value} data-testid="shape-measure" onInput={(e) => set(e.currentTarget.value)} />
    </label>
  );
}

function LineFaults({ list }: { list: readonly LineFault[] }) {
  return <>{list.slice(0, 8).map((f) => <li key={f.line}>{t('line.at', { line: f.line })} {t(`line.${f.code}`)}</li>)}</>;
}

function Coordinates() {
  const s = shape.value;
  const [form, setForm] = useState<Form>(formOf(s, tool.value));
  const [text, setText] = useState(textOf(s, format.value));
  const [measure, setMeasure] = useState('');
  const [wrong, setWrong] = useState<readonly LineFault[]>([]);
  useEffect(() => {
    setForm(formOf(s, tool.value));
    setText(textOf(s, format.value));
    if (s?.kind === 'circle') setMeasure(String(s.radiusM));
    if (s?.kind === 'corridor') setMeasure(String(s.widthM));
    setWrong([]);
  }, [s, tool.value, format.value]);

  const apply = (value = text, how = form) => {
    const parsed = readVertices(value, how);
    setWrong(parsed.faults);
    if (parsed.faults.length > 0) return;
    const next = shapeFrom(how, parsed.polygons, Number(measure) || (how === 'circle' ? 200 : 100), wgs);
    setShape(next);
    chooseTool('select');
    const box = next && shapeBox(next);
    if (box) liveMap()?.view.fit(box);
  };
  const resize = (v: string) => {
    setMeasure(v);
    const m = Number(v);
    if (s?.kind === 'circle') setShape({ ...s, radiusM: m });
    if (s?.kind === 'corridor') setShape({ ...s, widthM: m });
  };
  const onPaste = (e: ClipboardEvent) => {
    const pasted = e.clipboardData?.getData('text') ?? '';
    // Several vertices at once replace the shape; one is text like any other.
    if (pasted.trim().split('\n').length < 3 && !/^\s*\{/.test(pasted)) return;
    e.preventDefault();
    setText(pasted);
    apply(pasted);
  };
  return (
    <div class="coordinates">
      <div class="pair">
        <label class="field">
          <span>{t('shape.form')}</span>
          <select value={form} data-testid="shape-form" onChange={(e) => setForm(e.currentTarget.value as Form)}>
            {(['polygon', 'circle', 'corridor'] as const).map((k) => <option key={k} value={k}>{t(`tool.${k}`)}</option>)}
          </select>
        </label>
        <Measure form={form} value={measure} set={resize} />
      </div>
      <label class="field">
        <span>{t(form === 'circle' ? 'coordinates.center' : 'coordinates.label')}</span>
        <textarea rows={form === 'circle' ? 1 : 6} spellcheck={false} class="mono" value={text} data-testid="coordinates" aria-describedby="coordinates-hint"
          onInput={(e) => setText(e.currentTarget.value)} onPaste={onPaste} />
      </label>
      <p class="muted small" id="coordinates-hint">{t('coordinates.hint')}</p>
      <div role="alert">{wrong.length > 0 && <ul class="error faults"><LineFaults list={wrong} /></ul>}</div>
      <div class="tool-row">
        <div class="segmented" role="group" aria-label={t('coordinates.format')}>
          {(['decimal', 'dms'] as const).map((k) => (
            <button key={k} type="button" aria-pressed={format.value === k} onClick={() => (format.value = k)}>{t(`coordinates.${k}`)}</button>
          ))}
        </div>
        <label class="check"><input type="checkbox" checked={gcj.value} data-testid="gcj" onChange={() => (gcj.value = !gcj.value)} />{t('coordinates.gcj')}</label>
        <span class="spacer" />
        <button class="button" type="button" data-testid="coordinates-apply" onClick={() => apply()}>{t('coordinates.apply')}</button>
      </div>
    </div>
  );
}

export function ShapeFields() {
  const found = shapeFaults.value;
  const said = faults.value.filter((f) => f.field === 'shape');
  return (
    <fieldset>
      <legend>{t('field.shape')}</legend>
      <Tools />
      <p class="shape-summary" data-testid="shape-summary">{shapeText(shape.value)}</p>
      <div role="status" data-testid="shape-faults">
        <ul class="error faults">
          {found.map((f) => <li key={`${f.code}${f.ring}${f.vertex}${f.edgeA}${f.edgeB}`}>{faultText(f)}</li>)}
          {said.map((f) => <li key={`${f.at}${f.text}`}>{fieldFaultText(f)}</li>)}
        </ul>
      </div>
      <Coordinates />
    </fieldset>
  );
}
