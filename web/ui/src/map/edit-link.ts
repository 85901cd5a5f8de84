// Joins the fence editor to the map: the surface to draw on while a fence is
// edited, and what the map shows of drafts, comparisons and emergency fences.

import { batch, computed, effect } from '@preact/signals';
import type { Zone } from '../api/types';
import { shapeOf, type LonLat, type Shape } from '../fence/shape';
import { faultsOf, type Fault } from '../fence/validity';
import { place, radiusM } from '../state/emergency';
import { chooseTool, editing, moving, setShape, shape, shapeFaults, step, tool } from '../state/fence-editor';
import { chosen, versions, versionsOf } from '../state/fence-versions';
import { fences } from '../state/ops';
import { shownTheme } from '../state/prefs';
import { draftFeatures } from './draft';
import type { DrawSurface, MapView } from './view';

const SNAP_PX = 10;

/** Corners that a new corner may take: those of the zone and of other fences. */
function corners(zone: Zone): LonLat[] {
  const out: LonLat[] = [];
  const walk = (c: unknown): void => {
    if (!Array.isArray(c)) return;
    if (typeof c[0] === 'number' && typeof c[1] === 'number') out.push([c[0], c[1]]);
    else c.forEach(walk);
  };
  for (const f of zone.features.features) if ('coordinates' in f.geometry) walk(f.geometry.coordinates);
  for (const f of fences.peek()) if (f.id !== editing.peek()?.id) walk(f.geometry.coordinates);
  return out;
}

interface Shown { now: Shape | null; old: Shape | null; faults: readonly Fault[] }

const shown = computed<Shown>(() => {
  if (editing.value !== undefined) {
    const base = editing.value ? shapeOf(editing.value) : null;
    const m = moving.value;
    // A tool that draws a whole new shape leaves the one it replaces as the old one.
    const replacing = tool.value !== 'select' && tool.value !== 'hole';
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
    const near = corners(zone);
    const made = await view.drawSurface({
      changed: (s) => batch(() => {
        setShape(s);
        chooseTool('select');
      }),
      moving: (s, path) => (moving.value = { shape: s, path }),
      snap(at, distance) {
        const [w, , e] = view.box();
        const reach = ((e - w) / Math.max(1, view.camera().width)) * SNAP_PX * 2;
        let best: LonLat | null = null;
        let least = SNAP_PX;
        for (const p of near) {
          if (Math.abs(p[0] - at[0]) > reach || Math.abs(p[1] - at[1]) > reach) continue;
          const d = distance(p);
          if (d < least) [best, least] = [p, d];
        }
        return best;
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
    effect(() => view.setDraft(draftFeatures(shown.value.now, shown.value.old, shown.value.faults))),
  ];
  return () => {
    for (const stop of stops) stop();
    close();
  };
}
