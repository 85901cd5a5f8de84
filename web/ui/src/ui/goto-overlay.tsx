// The way on which a vehicle is about to be sent, over the map, and the crosshair while
// its end is pointed at. By keyboard the map moves under the crosshair and Enter takes
// its centre.

import '../styles/overlay.css';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/later';
import { liveMap } from '../map/current';
import { picking } from '../state/modes';
import { endGoTo, goingTo, looked } from '../state/goto';
import { fleet } from '../state/ops';
import { path, pixel, useMapFrames } from './overlay';

function Pointing() {
  const box = useRef<HTMLParagraphElement>(null);
  // Before the next key can come.
  useLayoutEffect(() => {
    // A button would keep the arrow keys from the map.
    if (document.activeElement?.matches('[data-testid=goto-point]')) box.current?.focus();
    const onKey = (e: KeyboardEvent) => {
      if (e.key !== 'Enter' || e.ctrlKey || e.metaKey || e.altKey || e.repeat) return;
      if (e.target instanceof HTMLElement && e.target.closest('.goto-pointing button, .goto')) return;
      const view = liveMap()?.view;
      if (!view) return;
      e.preventDefault();
      e.stopPropagation();
      const { width, height } = view.camera();
      picking.peek()?.(view.lonLatAt(width / 2, height / 2));
    };
    window.addEventListener('keydown', onKey, true);
    return () => window.removeEventListener('keydown', onKey, true);
  }, []);
  return (
    <>
      <svg class="crosshair" viewBox="0 0 40 40" width="40" height="40" aria-hidden="true"><path d="M20 2v14M20 24v14M2 20h14M24 20h14" /></svg>
      <p class="panel placing goto-pointing" ref={box} tabIndex={-1} data-testid="goto-pointing">
        <strong>{t('goto.title')}</strong> {t('goto.place')}
        <button class="button" type="button" onClick={() => endGoTo()}>{t('cancel')}</button>
      </p>
    </>
  );
}

/** From the vehicle to the target; where a fence begins is marked, and said in words. */
function WayDrawn() {
  const g = goingTo.value;
  const slot = g ? fleet.slotOf(fleet.handleOf(g.id)) : -1;
  if (!g || slot < 0 || !fleet.hasPosition(slot) || g.lat.trim() === '' || g.lon.trim() === '') return null;
  const from = { lat: fleet.latDeg(slot), lon: fleet.lonDeg(slot) };
  const to = { lat: Number(g.lat), lon: Number(g.lon) };
  const end = Number.isFinite(to.lat) && Number.isFinite(to.lon) ? pixel(to) : null;
  if (!end) return null;
  const way = looked.value?.way;
  const state = !way ? 'unknown' : way.clear ? 'clear' : 'blocked';
  const name = fleet.name(slot) || g.id;
  return (
    <svg class="goto-overlay" role="img" data-testid="goto-drawn" data-state={state}
      aria-label={t(state === 'clear' ? 'goto.drawnClear' : state === 'blocked' ? 'goto.drawnBlocked' : 'goto.drawn', { name })}>
      <polyline class="goto-way-edge" points={path([from, to])} />
      <polyline class="goto-way" points={path([from, to])} />
      {['goto-end-edge', 'goto-end'].map((c) => <path key={c} class={c} d={`M${end.x - 12} ${end.y}h24M${end.x} ${end.y - 12}v24M${end.x - 7} ${end.y}a7 7 0 1 0 14 0a7 7 0 1 0 -14 0`} />)}
      {(way?.fences ?? []).map((f) => {
        const at = pixel(f.position);
        return at && (
          <g key={`${f.id}/${f.from_m}`}>
            <path class="goto-met" d={`M${at.x} ${at.y - 8}l8 14h-16z`} />
            <text class="goto-text" x={at.x + 12} y={at.y + 4}>{f.name}</text>
          </g>
        );
      })}
    </svg>
  );
}

/** Where the vehicle is that is about to be sent. */
function moves(): number[] {
  const g = goingTo.peek();
  const slot = g ? fleet.slotOf(fleet.handleOf(g.id)) : -1;
  return slot < 0 ? [] : [fleet.latDeg(slot), fleet.lonDeg(slot)];
}

export function GoToOverlay() {
  useMapFrames(goingTo.value !== null, moves);
  return (
    <>
      <WayDrawn />
      {picking.value && <Pointing />}
    </>
  );
}
