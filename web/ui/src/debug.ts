// window.__tz: what the browser tests read. Read-only probes; nothing here changes
// the page or knows more than the page shows.

import { shapeOf, type LonLat, type Shape } from './fence/shape';
import { liveMap } from './map/current';
import { editing } from './state/modes';
import { alerts, fences, fleet, linkState, live, rateReduced, stoppedAt } from './state/ops';
import { soundState, tonesPlayed } from './state/sound';

export interface EditorProbe { tool: string; shape: Shape | null; faults: string[] }

let editor: () => EditorProbe | null = () => null;
/** Is told by the fence editor, which comes later than the page. */
export const setEditorProbe = (probe: typeof editor): void => void (editor = probe);

export interface Probe {
  /** All vehicles with a position: handle, id, class, degrees, and CSS px on the map pane. */
  vehicles(): { h: number; id: string; class: string; verified: boolean; lon: number; lat: number; px: [number, number] | null }[];
  /** Map style and tiles are there, and which renderer draws the vehicles. */
  map(): { loaded: boolean; renderer: string };
  connection(): { state: string; stopped: boolean; reconnects: number; badFrames: number; reducedRate: boolean };
  alerts(): { id: string; type: string; level: number; vehicle: string; acknowledged: boolean; cleared: boolean }[];
  /** Published fences as the page knows them. */
  fences(): { id: string; name: string; rev: number; shape: Shape | null }[];
  /** The fence editor, or null. */
  editor(): EditorProbe | null;
  /** CSS px of a place on the map pane. */
  pixelOf(at: LonLat): [number, number] | null;
  sound(): { state: string; tones: number };
}

export function installProbe(): void {
  const probe: Probe = {
    vehicles() {
      const on = new Map((liveMap()?.scene.points() ?? []).map((p) => [p.slot, [p.x, p.y] as [number, number]]));
      return [...fleet.occupiedSlots()].filter(fleet.hasPosition).map((s) => ({
        h: fleet.handle[s]!, id: fleet.id(s), class: fleet.className(s), verified: !fleet.unverified(s),
        lon: fleet.lonDeg(s), lat: fleet.latDeg(s), px: on.get(s) ?? null,
      }));
    },
    map: () => ({ loaded: liveMap()?.view.loaded() ?? false, renderer: liveMap()?.scene.renderer?.kind ?? '' }),
    connection: () => ({
      state: linkState.value,
      stopped: stoppedAt.value !== null,
      reconnects: live()?.reconnects ?? 0,
      badFrames: live()?.badFrames ?? 0,
      reducedRate: rateReduced.value,
    }),
    alerts: () => alerts.value.map((a) => ({
      id: a.id, type: a.type, level: a.level, vehicle: a.vehicle.id, acknowledged: a.acknowledged !== null, cleared: a.cleared_at !== null,
    })),
    fences: () => fences.value.map((f) => ({ id: f.id, name: f.name, rev: f.rev, shape: shapeOf(f) })),
    editor: () => (editing.value === undefined ? null : editor()),
    pixelOf(at) {
      const p = liveMap()?.view.pixelOf(at);
      return p ? [p.x, p.y] : null;
    },
    sound: () => ({ state: soundState.value, tones: tonesPlayed.value }),
  };
  Object.defineProperty(window, '__tz', { value: Object.freeze(probe) });
}
