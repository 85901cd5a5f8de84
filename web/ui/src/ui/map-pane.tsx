// The map with what stands on it: zoom, notes about what is hidden.

import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Zone } from '../api/types';
import { formatNumber, t } from '../i18n';
import { createMap, loadView } from '../map/create';
import { liveMap } from '../map/current';
import type { Scene } from '../map/scene';
import { fleet } from '../state/ops';
import { firstViewStands, leisure } from '../state/leisure';
import { editing, overMap, picking, place, placing } from '../state/modes';
import { alertOpen, following, isolated, layersOpen, mapMenu, selection } from '../state/view';
import { Glyph } from './icons';
import { later } from './later';

// Asked for as soon as the page runs, while the user still signs in.
const viewClass = loadView();

const AlertPanel = later(() => import('./alert-panel').then((m) => m.AlertPanel), 'panels');
const LayerPanel = later(() => import('./layer-panel').then((m) => m.LayerPanel), 'panels');
const Emergency = later(() => import('./emergency').then((m) => m.Emergency), 'panels');
const above = signal<readonly ComponentType[]>([]);
const draws = (c: ComponentType) => (above.value = [...above.peek(), c]);
const MapMenu = later(() => import('./map-menu').then((m) => m.MapMenu), 'panels');
const Cards = later(() => import('./card').then((m) => m.Cards), 'panels', 'list');

const drawn = signal({ filteredOut: 0, omitted: 0, plain: false });

function showCounts(s: Scene): void {
  const next = { filteredOut: s.result.filteredOut, omitted: s.renderer?.omitted ?? 0, plain: s.renderer?.kind === 'canvas2d' };
  const have = drawn.peek();
  if (next.filteredOut !== have.filteredOut || next.omitted !== have.omitted || next.plain !== have.plain) drawn.value = next;
}

function Notes() {
  const d = drawn.value;
  const id = following.value;
  const notes: string[] = [];
  if (id) notes.push(t('map.following', { name: fleet.entry(fleet.handleOf(id))?.name || id }));
  if (isolated.value) notes.push(t('map.isolated'));
  else if (d.filteredOut > 0) notes.push(t('map.filtered', { n: formatNumber(d.filteredOut) }));
  if (d.plain) notes.push(t('map.noWebgl'));
  if (d.omitted > 0) notes.push(t('map.overflow', { n: formatNumber(d.omitted) }));
  return <div class="map-notes">{notes.map((n) => <span key={n} class="chip">{n}</span>)}</div>;
}

function Controls() {
  const view = () => liveMap()?.view;
  return (
    <div class="map-controls">
      <button class="button icon-button" type="button" aria-label={t('map.zoomIn')} title={`${t('map.zoomIn')} (e)`} onClick={() => view()?.zoomBy(1)}><Glyph name="plus" /></button>
      <button class="button icon-button" type="button" aria-label={t('map.zoomOut')} title={`${t('map.zoomOut')} (q)`} onClick={() => view()?.zoomBy(-1)}><Glyph name="minus" /></button>
      <button class="button icon-button" type="button" aria-label={t('map.home')} title={`${t('map.home')} (h)`} onClick={() => liveMap()?.home()}><Glyph name="home" /></button>
      <button class="button icon-button" type="button" aria-label={t('map.layers')} title={t('map.layers')} aria-expanded={layersOpen.value}
        aria-controls="layer-panel" data-testid="layers" onClick={() => (layersOpen.value = !layersOpen.value)}><Glyph name="layers" /></button>
    </div>
  );
}

export function MapPane({ zone }: { zone: Zone }) {
  const map = useRef<HTMLDivElement>(null);
  const vehicles = useRef<HTMLDivElement>(null);
  const labels = useRef<HTMLCanvasElement>(null);
  const Over = overMap.value;
  useEffect(() => {
    // The canvas is made by hand: the scene may have to replace it by another.
    const canvas = document.createElement('canvas');
    canvas.className = 'overlay';
    vehicles.current!.replaceChildren(canvas);
    const elements = { map: map.current!, vehicles: canvas, labels: labels.current! };
    let ended = false;
    let destroy = () => {};
    let unwatch = () => {};
    void viewClass.then((View) => {
      if (ended) return;
      destroy = createMap(View, elements, zone, showCounts).destroy;
    }).finally(() => {
      firstViewStands();
      void import('./priority-watch').then((m) => {
        if (!ended) unwatch = m.drawWhenAny(draws);
      }, () => {});
      void leisure.then(() => import('./sector-overlay')).then((m) => m.ready).then((c) => !ended && draws(c), () => {});
    });
    return () => {
      ended = true;
      unwatch();
      above.value = [];
      destroy();
    };
  }, [zone]);
  return (
    <div class="map-pane" role="region" aria-label={t('map.label')} data-placing={placing.value || picking.value !== null} data-editing={editing.value !== undefined}>
      <div class="map" ref={map} />
      <div class="overlay" ref={vehicles} aria-hidden="true" />
      <canvas class="overlay" ref={labels} aria-hidden="true" />
      {above.value.map((Above, i) => <Above key={i} />)}
      {Over && <Over />}
      <Controls />
      {layersOpen.value && <LayerPanel />}
      <Notes />
      <div class="side" id="side" tabIndex={-1}>
        {alertOpen.value !== null && <AlertPanel />}
        {selection.value.length > 0 && <Cards />}
      </div>
      {(placing.value || place.value) && <Emergency />}
      {mapMenu.value && <MapMenu />}
    </div>
  );
}
