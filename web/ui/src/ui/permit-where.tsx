// Third step of the wizard: the volumes. An area is drawn on the map, taken from a site or
// a fence, or typed; then its heights and, if it is not wanted all the time, its windows.

import { useEffect, useState } from 'preact/hooks';
import { sitesApi, type Site } from '../api/sites';
import type { LineFault } from '../fence/coordinates';
import { toWgs84 } from '../fence/gcj02';
import { shapeOf, type Geometry, type Shape } from '../fence/shape';
import { readVertices, shapeFrom, textOf, type ShapeForm } from '../fence/shape-text';
import { code, t } from '../i18n/later';
import { fences } from '../state/ops';
import { FaultsAt } from './permit-bits';
import { change, form, kind } from './permit-draft';
import { drawOnMap } from './permit-draw';
import { Check, Height, Pick, replaced, Span, Text, without } from './permit-fields';
import { newVolume, ROAD_CLASSES, type HeightForm, type PermitForm, type VolumeForm } from './permit-form';
import { PermitPlan } from './permit-plan';
import { shapeText } from './fence-text';

const DEFAULT_M = { circle: '100', corridor: '50', polygon: '' } as const;
const shapeFormOf = (s: Shape | null): ShapeForm => (!s || s.kind === 'polygons' ? 'polygon' : s.kind);

/** The area in numbers: by keyboard, or pasted. */
function Typed({ of: v, n, set }: { of: VolumeForm; n: number; set: (s: Shape) => void }) {
  const [how, setHow] = useState<ShapeForm>(shapeFormOf(v.shape));
  const [text, setText] = useState(() => textOf(v.shape, 'decimal'));
  const [measure, setMeasure] = useState('');
  const [gcj, setGcj] = useState(false);
  const [wrong, setWrong] = useState<readonly LineFault[]>([]);
  const [nothing, setNothing] = useState(false);
  useEffect(() => {
    if (!v.shape) return;
    setHow(shapeFormOf(v.shape));
    setText(textOf(v.shape, 'decimal'));
    if (v.shape.kind === 'circle') setMeasure(String(v.shape.radiusM));
    if (v.shape.kind === 'corridor') setMeasure(String(v.shape.widthM));
  }, [v.shape]);
  const apply = () => {
    const { polygons, faults } = readVertices(text, how);
    const size = Number(measure || DEFAULT_M[how]);
    setWrong(faults);
    setNothing(false);
    if (faults.length > 0) return;
    const s = how !== 'polygon' && !(size > 0) ? null : shapeFrom(how, polygons, size, gcj ? toWgs84 : undefined);
    if (!s) return setNothing(true);
    setGcj(false); // what is shown from now on is WGS-84
    set(s);
  };
  return (
    <details open={!v.shape}>
      <summary>{t('perm.typed')}</summary>
      <div class="fields">
        <div class="field-row">
          <Pick label={t('shape.form')} id={`perm-shape-${n}`} value={how} all={(['polygon', 'circle', 'corridor'] as const).map((k) => ({ value: k, label: t(`tool.${k}`) }))} set={(k) => setHow(k as ShapeForm)} />
          {how !== 'polygon' && <Text label={t(how === 'circle' ? 'shape.radius' : 'shape.width')} id={`perm-measure-${n}`} numeric value={measure || DEFAULT_M[how]} set={setMeasure} />}
        </div>
        <label class="field">
          <span>{t(how === 'circle' ? 'coordinates.center' : 'coordinates.label')}</span>
          <textarea rows={how === 'circle' ? 1 : 5} class="mono" spellcheck={false} value={text} data-testid={`perm-coordinates-${n}`} onInput={(e) => setText(e.currentTarget.value)} />
          <small class="muted">{t('coordinates.hint')}</small>
        </label>
        <Check label={t('coordinates.gcj')} id={`perm-gcj-${n}`} on={gcj} set={setGcj} />
        <div role="alert">
          {wrong.length > 0 && <ul class="error faults">{wrong.slice(0, 8).map((f) => <li key={f.line}>{t('line.at', { line: f.line })} {t(`line.${f.code}`)}</li>)}</ul>}
          {nothing && <p class="error">{t('perm.in.shape')}</p>}
        </div>
        <button class="button" type="button" data-testid={`perm-apply-${n}`} onClick={apply}>{t('coordinates.apply')}</button>
      </div>
    </details>
  );
}

type Known = Geometry & { id: string; name: string; site: boolean; floor?: { m: number; datum: string } | null; ceiling?: { m: number; datum: string } | null };

/** Areas that the zone has already. */
function useKnown(): readonly Known[] {
  const [sites, setSites] = useState<readonly Site[]>([]);
  useEffect(() => void sitesApi.sites().then(setSites, () => setSites([])), []);
  return [
    ...sites.filter((s) => s.space).map((s) => ({ ...s, site: true }) as unknown as Known),
    ...fences.value.filter((f) => f.kind === 'keep_in').map((f) => ({ ...f, site: false }) as unknown as Known),
  ];
}

const height = (h: Known['floor'], was: HeightForm): HeightForm => (h ? { m: String(h.m), datum: h.datum as HeightForm['datum'] } : was);

function Volume({ of: v, n, f, known }: { of: VolumeForm; n: number; f: PermitForm; known: readonly Known[] }) {
  const set = (part: Partial<VolumeForm>) => change({ volumes: replaced(f.volumes, n, { ...v, ...part }) });
  const take = (id: string) => {
    const k = known.find((x) => x.id === id);
    if (!k) return;
    change({
      volumes: replaced(f.volumes, n, { ...v, shape: shapeOf(k), floor: height(k.floor, v.floor), ceiling: height(k.ceiling, v.ceiling) }),
      ...(k.site && !f.sites.includes(id) && { sites: [...f.sites, id] }),
    });
  };
  return (
    <fieldset data-volume={n}>
      <legend>{t('perm.volume', { n: n + 1 })}</legend>
      <p data-testid={`perm-shape-is-${n}`}>{v.shape ? shapeText(v.shape) : t('perm.noShape')}</p>
      <div class="actions">
        <button class="button primary" type="button" data-testid={`perm-draw-${n}`} onClick={() => drawOnMap(n)}>{t('perm.draw')}</button>
        <button class="link-button" type="button" onClick={() => change({ volumes: without(f.volumes, n) })}>{t('perm.removeVolume', { n: n + 1 })}</button>
      </div>
      {known.length > 0 && <Pick label={t('perm.takeFrom')} id={`perm-known-${n}`} value="" none={t('perm.choose')} all={known.map((k) => ({ value: k.id, label: k.name || k.id }))} set={take} />}
      <Typed of={v} n={n} set={(shape) => set({ shape })} />
      <FaultsAt at={`volumes/${n}`} only />
      <Height label="perm.floor" id={`perm-floor-${n}`} of={v.floor} set={(floor) => set({ floor })} />
      <FaultsAt at={`volumes/${n}/floor`} />
      <Height label="perm.ceiling" id={`perm-ceiling-${n}`} of={v.ceiling} set={(ceiling) => set({ ceiling })} />
      <FaultsAt at={`volumes/${n}/ceiling`} />
      {v.windows.map((w, i) => (
        <div key={i} class="perm-one" role="group" aria-label={t('perm.window', { n: i + 1 })}>
          <Span id={`perm-window-${n}-${i}`} of={w} set={(s) => set({ windows: replaced(v.windows, i, s) })} />
          <button class="link-button" type="button" onClick={() => set({ windows: without(v.windows, i) })}>{t('perm.removeWindow', { n: i + 1 })}</button>
        </div>
      ))}
      <FaultsAt at={`volumes/${n}/windows`} />
      <div class="actions">
        <button class="button" type="button" data-testid={`perm-window-add-${n}`} onClick={() => set({ windows: [...v.windows, { from: f.from, to: f.to }] })}>{t('perm.windowAdd')}</button>
      </div>
      {v.windows.length === 0 && <p class="muted small">{t('perm.windowsNone')}</p>}
      <Check label={t('perm.shared')} id={`perm-shared-${n}`} on={v.shared} set={(shared) => set({ shared })} />
    </fieldset>
  );
}

function Roads({ of: f }: { of: PermitForm }) {
  return (
    <fieldset>
      <legend>{t('perm.roads')}</legend>
      {f.roads.map((r, i) => {
        const set = (part: Partial<typeof r>) => change({ roads: replaced(f.roads, i, { ...r, ...part }) });
        return (
          <div key={i} class="perm-one" role="group" aria-label={`${t('perm.roads')} ${i + 1}`}>
            <div class="field-row">
              <Text label="perm.road" id={`perm-road-${i}`} value={r.ref} set={(ref) => set({ ref })} />
              <Pick label={t('perm.roadClass')} id={`perm-road-class-${i}`} value={r.road_class} all={ROAD_CLASSES.map((c) => ({ value: c, label: code('perm.roadClass', c) }))} set={(road_class) => set({ road_class })} />
            </div>
            <FaultsAt at={`roads/${i}`} />
            <button class="link-button" type="button" onClick={() => change({ roads: without(f.roads, i) })}>{t('perm.removeRoad', { n: i + 1 })}</button>
          </div>
        );
      })}
      <button class="button" type="button" data-testid="perm-road-add" onClick={() => change({ roads: [...f.roads, { ref: '', road_class: 'urban' }] })}>{t('perm.roadAdd')}</button>
    </fieldset>
  );
}

export function WhereStep() {
  const f = form.value!;
  const known = useKnown();
  const k = kind.value;
  if (!k) return <p class="empty">{t('perm.kindFirst')}</p>;
  return (
    <>
      <PermitPlan />
      <FaultsAt at="volumes" only />
      {f.volumes.map((v, i) => <Volume key={i} of={v} n={i} f={f} known={known} />)}
      <div class="actions"><button class="button" type="button" data-testid="perm-volume-add" onClick={() => change({ volumes: [...f.volumes, newVolume()] })}>{t('perm.volumeAdd')}</button></div>
      {k.domain === 'icv' && <Roads of={f} />}
      <Text label="perm.speed" id="perm-speed" numeric value={f.speed} set={(speed) => change({ speed })} />
      <FaultsAt at="speed" />
      {f.sites.length > 0 && (
        <p>{t('perm.sites')}: {f.sites.map((id) => (
          <span key={id}>{known.find((s) => s.id === id)?.name ?? id} <button class="link-button" type="button" onClick={() => change({ sites: f.sites.filter((x) => x !== id) })}>{t('perm.remove')}</button> </span>
        ))}</p>
      )}
      {f.exempt.length > 0 && (
        <p class="note">{t('perm.exempt')}: {f.exempt.map((id) => (
          <span key={id}>{fences.value.find((x) => x.id === id)?.name ?? id} <button class="link-button" type="button" onClick={() => change({ exempt: f.exempt.filter((x) => x !== id) })}>{t('perm.remove')}</button> </span>
        ))}</p>
      )}
    </>
  );
}
