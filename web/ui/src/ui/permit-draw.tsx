// An area of an application drawn on the map, by the hand of the fence editor. The page of
// the application gives way to the map meanwhile, and comes back with the area.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { snap } from '../fence/snap';
import { shapeBox } from '../fence/measure';
import type { Shape } from '../fence/shape';
import { t } from '../i18n/later';
import { liveMap } from '../map/current';
import { draftFeatures } from '../map/draft';
import { shownTheme } from '../state/prefs';
import { editing, onLeave, overMap } from '../state/modes';
import { openPage } from '../state/accounts';
import { announce } from '../state/announce';
import type { Tool } from '../state/fence-editor';
import { deskOpen } from '../state/view';
import type { DrawSurface } from '../map/view';
import { change, form } from './permit-draft';
import { replaced } from './permit-fields';
import { shapeText } from './fence-text';

const TOOLS: readonly Tool[] = ['polygon', 'rectangle', 'circle', 'corridor', 'select'];

/** The volume that is drawn; null: none. */
const drawing = signal<number | null>(null);
const drawn = signal<Shape | null>(null);
const tool = signal<Tool>('polygon');

export function drawOnMap(volume: number): void {
  if (editing.peek() !== undefined) return announce(t('emergency.leaveEditor'));
  drawing.value = volume;
  drawn.value = form.peek()?.volumes[volume]?.shape ?? null;
  tool.value = drawn.peek() ? 'select' : 'polygon';
  overMap.value = PermitDraw;
  deskOpen.value = false;
}

function done(take: boolean): boolean {
  const n = drawing.peek();
  if (n === null) return false;
  const f = form.peek();
  const shape = drawn.peek();
  if (take && shape && f?.volumes[n]) change({ volumes: replaced(f.volumes, n, { ...f.volumes[n], shape }) });
  drawing.value = null;
  overMap.value = null;
  liveMap()?.view.setDraft(draftFeatures(null, null, [], null));
  openPage('permits');
  deskOpen.value = true;
  return true;
}
onLeave(() => done(false));

function useSurface(): void {
  useEffect(() => {
    const view = liveMap()?.view;
    if (!view) return;
    let surface: DrawSurface | null = null;
    let ended = false;
    const show = () => {
      surface?.show(drawn.peek(), tool.peek());
      const replacing = tool.peek() !== 'select';
      view.setDraft(draftFeatures(replacing ? null : drawn.peek(), null, [], null));
    };
    void view.drawSurface({
      changed: (s) => {
        drawn.value = s;
        tool.value = 'select';
      },
      moving: (s) => s && view.setDraft(draftFeatures(s, null, [], null)),
      snap: (at) => snap(at, { corners: [], edges: [] }, [], { project: (p) => view.pixelOf(p), unproject: (p) => view.lonLatAt(p.x, p.y) })?.at ?? null,
    }).then((made) => {
      if (ended) return made?.stop();
      surface = made;
      surface?.setTheme(shownTheme());
      show();
    });
    const box = drawn.peek() && shapeBox(drawn.peek()!);
    if (box) view.fit(box);
    const stops = [drawn.subscribe(show), tool.subscribe(show)];
    return () => {
      ended = true;
      for (const stop of stops) stop();
      surface?.stop();
    };
  }, []);
}

export function PermitDraw() {
  useSurface();
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => bar.current?.querySelector<HTMLElement>('[aria-pressed=true]')?.focus(), []);
  return (
    <div class="panel placing perm-draw" role="group" aria-label={t('perm.draw')} ref={bar} data-testid="perm-draw-bar">
      <strong>{t('perm.volume', { n: (drawing.value ?? 0) + 1 })}</strong>
      {TOOLS.map((k) => (
        <button key={k} class="button" type="button" aria-pressed={tool.value === k} disabled={k === 'select' && !drawn.value} data-testid={`perm-tool-${k}`} onClick={() => (tool.value = k)}>{t(`tool.${k}`)}</button>
      ))}
      <span role="status" data-testid="perm-drawn">{drawn.value ? shapeText(drawn.value) : t(`tool.hint.${tool.value}`)}</span>
      <button class="button primary" type="button" disabled={!drawn.value} data-testid="perm-draw-take" onClick={() => done(true)}>{t('perm.drawTake')}</button>
      <button class="button" type="button" onClick={() => done(false)}>{t('cancel')}</button>
    </div>
  );
}
