// Brings map view and scene together with the state of the page: subscription,
// following, theme and layers, fences, picking.

import { effect } from '@preact/signals';
import type { Zone } from '../api/types';
import { coverageShown, fenceOpen, filter, following, hovered, listsOpen, mapMenu, select, selection, tab } from '../state/view';
import { breachedFences, fences, fleet, live, setRenderer, stoppedAt } from '../state/ops';
import { announce } from '../state/announce';
import { editing, picking, place, placing, putEmergency } from '../state/modes';
import { t } from '../i18n';
import { dimmed, layers, reducedMotion, shownTheme } from '../state/prefs';
import { fenceFeatures } from './geometry';
import { setLiveMap, type LiveMap } from './current';
import { Scene } from './scene';
import type { Box, MapView, ViewOptions } from './view';

const HOVER_MS = 200;

const grow = ([w, s, e, n]: Box, by: number): Box => {
  const dx = (e - w) * by;
  const dy = (n - s) * by;
  return [w - dx, Math.max(-85, s - dy), e + dx, Math.min(85, n + dy)];
};
const contains = (a: Box, b: Box) => a[0] <= b[0] && a[1] <= b[1] && a[2] >= b[2] && a[3] >= b[3];
/** The part of a that lies in b; b if there is none. */
const clip = (a: Box, b: Box): Box => {
  const r: Box = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  return r[0] < r[2] && r[1] < r[3] ? r : b;
};

export type ViewClass = new (opt: ViewOptions) => MapView;

/** MapLibre needs WebGL2; without it zone and fences are drawn plainly. Either is a chunk of its own. */
export async function loadView(): Promise<ViewClass> {
  if (document.createElement('canvas').getContext('webgl2')) return (await import('./maplibre-view')).MapLibreView;
  // The scene will ask for its renderer too.
  const [{ FlatView }] = await Promise.all([import('./flat-view'), import('./vehicles-2d')]);
  return FlatView;
}

/** Joins the fence editor to the map when fences or an emergency fence are first opened. */
function editorLater(view: MapView, zone: Zone): () => void {
  let unlink = () => {};
  let ended = false;
  let asked = false;
  const stop = effect(() => {
    if (asked || (tab.value !== 'fences' && !placing.value && !place.value)) return;
    asked = true;
    import('./edit-link').then((m) => {
      if (!ended) unlink = m.linkEditor(view, zone);
    }, () => announce(t('later.failed'), true));
  });
  return () => {
    ended = true;
    stop();
    unlink();
  };
}

/** Draws the coverage layer once it is first switched on. */
function coverageLater(view: MapView): () => void {
  let unlink = () => {};
  let ended = false;
  let asked = false;
  const stop = effect(() => {
    if (asked || !coverageShown.value) return;
    asked = true;
    import('./coverage-layer').then((m) => {
      if (!ended) unlink = m.linkCoverage(view);
    }, () => {
      asked = false;
      announce(t('later.failed'), true);
    });
  });
  return () => {
    ended = true;
    stop();
    unlink();
  };
}

export interface MapElements { map: HTMLElement; vehicles: HTMLCanvasElement; labels: HTMLCanvasElement }

export function createMap(View: ViewClass, el: MapElements, zone: Zone, changed: (s: Scene) => void): LiveMap {
  const stops: (() => void)[] = [];
  let scene: Scene | null = null;
  let hoverTimer = 0;
  let subscribed: Box | null = null;

  const subscribe = () => {
    const seen = view.box();
    const whole = grow(zone.bbox, 0.05);
    const wanted = filter.peek().all ? whole : clip(grow(seen, 0.5), whole);
    const much = subscribed !== null && subscribed[2] - subscribed[0] > 4 * (wanted[2] - wanted[0]);
    if (subscribed && contains(subscribed, clip(seen, whole)) && !much && (!filter.peek().all || contains(subscribed, whole))) return;
    subscribed = wanted;
    live()?.subscribe(wanted, Math.round(view.zoom() * 100) / 100, 10);
  };

  const hover = (x: number, y: number, inside: boolean) => {
    window.clearTimeout(hoverTimer);
    const id = inside ? (scene?.vehicleAt(x, y) ?? null) : null;
    if (editing.peek() === undefined) view.setCursor(id !== null);
    if (id === hovered.peek()) return;
    hovered.value = null;
    if (id) hoverTimer = window.setTimeout(() => (hovered.value = id), HOVER_MS);
  };

  const click = (x: number, y: number, add: boolean) => {
    mapMenu.value = null;
    if (placing.peek()) return putEmergency(view.lonLatAt(x, y));
    if (picking.peek()) return picking.peek()!(view.lonLatAt(x, y));
    if (editing.peek() !== undefined) return;
    const id = scene?.vehicleAt(x, y);
    if (id) return select(id, add);
    const fence = view.fenceAt(x, y);
    if (fence) {
      fenceOpen.value = fence;
      tab.value = 'fences';
      listsOpen.value = true;
    } else if (!add) {
      selection.value = [];
      following.value = null;
      fenceOpen.value = null;
    }
  };

  const menu = (x: number, y: number) => {
    if (editing.peek() === undefined) mapMenu.value = { x, y, at: view.lonLatAt(x, y), fence: view.fenceAt(x, y) };
  };

  const doubleClick = (x: number, y: number): boolean => {
    if (placing.peek() || picking.peek() || editing.peek() !== undefined) return true;
    const id = scene?.vehicleAt(x, y);
    if (!id) return false;
    select(id);
    following.value = id;
    return true;
  };

  const view: MapView = new View({
    container: el.map,
    zone,
    shown: shownTheme(),
    anchor: { x: fleet.anchorX, y: fleet.anchorY },
    reducedMotion: reducedMotion.peek(),
    events: {
      drawn: () => scene?.draw(),
      moved: subscribe,
      grabbed: () => {
        following.value = null;
        mapMenu.value = null;
      },
      click, doubleClick, hover, menu,
    },
  });
  scene = new Scene(el.vehicles, el.labels, view, fleet, changed);
  setRenderer(scene);
  stops.push(
    editorLater(view, zone),
    coverageLater(view),
    effect(() => view.setTheme(shownTheme())),
    effect(() => view.setLayers(layers.value, dimmed.value)),
    effect(() => view.setFences(fenceFeatures(fences.value, breachedFences.value, fenceOpen.value))),
    effect(() => {
      void filter.value.all;
      subscribe();
    }),
    effect(() => {
      const ids = [...new Set([...selection.value, ...(following.value ? [following.value] : [])])];
      fleet.follows = new Set(ids);
      live()?.follow(ids);
    }),
    effect(() => void (el.map.parentElement!.dataset.stopped = String(stoppedAt.value !== null))),
  );
  const made: LiveMap = {
    view,
    scene,
    home: () => view.fit(zone.bbox),
    destroy() {
      window.clearTimeout(hoverTimer);
      for (const stop of stops) stop();
      setRenderer(null);
      scene?.destroy();
      view.destroy();
      setLiveMap(null);
    },
  };
  setLiveMap(made);
  return made;
}
