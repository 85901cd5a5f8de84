// Joins the fence editor to the map: the surface to draw on while a fence is
// edited, and what the map shows of drafts, comparisons and emergency fences.

import { batch, computed, effect } from '@preact/signals';
import type { Zone } from '../api/types';
import { vertices } from '../fence/measure';
import { shapeOf, type LonLat, type Shape } from '../fence/shape';
import { addTargets, snap, type Targets } from '../fence/snap';
import { faultsOf, type Fault } from '../fence/validity';
import { radiusM } from '../state/emergency';
import { place } from '../state/modes';
import { chooseTool, moving, setShape, shape, shapeFaults, snapped, snapping, step, tool } from '../state/fence-editor';
import { chosen, versions, versionsOf } from '../state/fence-versions';
import { editing } from '../state/modes';
import { fences } from '../state/ops';
import { shownTheme } from '../state/prefs';
import { draftFeatures } from './draft';
import type { DrawSurface, MapView } from './view';

/** What the hand may be drawn to: the zone's features and the other fences. */
function targetsOf(zone: Zone): Targets {
  const corners: LonLat[] = [];
  const edges: [LonLat, LonLat][] = [];
  for (const f of zone.features.features) if ('coordinates' in f.geometry) addTargets(f.geometry.coordinates, corners, edges);
  for (const f of fences.peek()) if (f.id !== editing.peek()?.id) addTargets(f.geometry.coordinates, corners, edges);
  return { corners, edges };
}

/** The corners that guides go through: of the way that is drawn, else of the shape that is edited. */
function ownCorners(): readonly LonLat[] {
  const path = moving.peek()?.path ?? [];
  if (path.length > 1) return path.slice(0, -1);
  const s = shape.peek();
  return s && tool.peek() === 'select' ? vertices(s).slice(0, MAX_GUIDED) : [];
}

/** Corners of a shape that guides go through; more would pull everywhere. */
const MAX_GUIDED = 60;

interface Shown { now: Shape | null; old: Shape | null; faults: readonly Fault[] }

const shown = computed<Shown>(() => {
  if (editing.value !== undefined) {
    const base = editing.value ? shapeOf(editing.value) : null;
    const m = moving.value;
    // A tool that draws a whole new shape leaves the one it replaces as the old one.
    const replacing = !['select', 'hole', 'part'].includes(tool.value);
    const now = replacing ? null : (m?.shape ?? shape.value);
    return { now, old: replacing ? shape.value : base, faults: shapeFaults.value };
  }
  if (place.value) {
    const circle: Shape = { kind: 'circle', center: place.value, radiusM: radiusM() };
    return { now: faultsOf(circle).length === 0 ? circle : null, old: null, faults: [] };
  }
  if (versionsOf.value && chosen.value !== null && versions.value) {
    const old = versions.value.find((v) => v.rev === chosen.value);
    const now = versions.value[0];
    return { now: now && !now.deleted ? shapeOf(now.fence) : null, old: old ? shapeOf(old.fence) : null, faults: [] };
  }
  return { now: null, old: null, faults: [] };
});

export function linkEditor(view: MapView, zone: Zone): () => void {
  let surface: DrawSurface | null = null;
  let wanted = 0;
  const isOpen = computed(() => editing.value !== undefined);

  const close = () => {
    wanted++;
    surface?.stop();
    surface = null;
  };
  const open = async () => {
    const mine = ++wanted;
    const near = targetsOf(zone);
    const made = await view.drawSurface({
      changed: (s) => batch(() => {
        setShape(s);
        chooseTool('select');
      }),
      moving: (s, path) => (moving.value = { shape: s, path }),
      snap(at) {
        const found = snapping.peek() ? snap(at, near, ownCorners(), { project: (p) => view.pixelOf(p), unproject: (p) => view.lonLatAt(p.x, p.y) }) : null;
        snapped.value = found;
        return found && found.at;
      },
    });
    if (mine !== wanted) return made?.stop();
    surface = made;
    surface?.setTheme(shownTheme());
    surface?.show(shape.peek(), tool.peek());
  };

  const stops = [
    effect(() => {
      close();
      if (isOpen.value) void open();
    }),
    effect(() => {
      const [s, k] = [shape.value, tool.value];
      // What is previewed must not change under the preview.
      if (step.value === 'preview') surface?.show(null, 'select');
      else surface?.show(s, k);
    }),
    effect(() => surface?.setTheme(shownTheme())),
    effect(() => view.setDraft(draftFeatures(shown.value.now, shown.value.old, shown.value.faults, snapped.value))),
  ];
  return () => {
    for (const stop of stops) stop();
    close();
  };
}
