// The map as the rest of the page sees it, whoever draws it.

import type { FeatureCollection } from 'geojson';
import type { Zone } from '../api/types';
import type { LonLat, Shape } from '../fence/shape';
import type { Tool } from '../state/fence-editor';
import type { LayerState } from '../state/prefs';
import type { Shown } from './palette';
import type { Camera } from './renderer';

export type Box = readonly [w: number, s: number, e: number, n: number];

export interface MapEvents {
  /** The camera changed or the map was drawn: draw what lies above it now. */
  drawn(): void;
  /** A movement ended. */
  moved(): void;
  /** The user took the map in hand. */
  grabbed(): void;
  click(x: number, y: number, add: boolean): void;
  /** True when something was hit and the map shall not zoom. */
  doubleClick(x: number, y: number): boolean;
  hover(x: number, y: number, inside: boolean): void;
  /** The right button: a menu for this place. */
  menu(x: number, y: number): void;
}

/** What the hand does to a shape on the map. */
export interface DrawEvents {
  /** A new state of the shape. */
  changed(shape: Shape): void;
  /** A shape under the hand; path: the corners so far of one that is being drawn. */
  moving(shape: Shape | null, path: readonly LonLat[]): void;
  /** The place that a corner under the hand shall take instead of this one, or null. */
  snap(at: LonLat): LonLat | null;
}

export interface DrawSurface {
  /** Shows a shape for editing, or takes the tool that draws one. */
  show(shape: Shape | null, tool: Tool): void;
  setTheme(shown: Shown): void;
  stop(): void;
}

export interface MapView {
  camera(): Camera;
  zoom(): number;
  box(): Box;
  loaded(): boolean;
  panBy(dx: number, dy: number): void;
  zoomBy(steps: number): void;
  fit(box: Box): void;
  flyTo(lon: number, lat: number): void;
  /** Without animation, for following. */
  centreOn(lon: number, lat: number): void;
  setTheme(shown: Shown): void;
  setLayers(on: LayerState, dim: boolean): void;
  setFences(data: FeatureCollection): void;
  /** Where fences were not enforced lately; see map/coverage-layer.ts. */
  setCoverage(data: FeatureCollection): void;
  /** What is edited, compared or marked as wrong; see map/draft.ts. */
  setDraft(data: FeatureCollection): void;
  /** A surface to draw on by hand, or null where there is none. */
  drawSurface(on: DrawEvents): Promise<DrawSurface | null>;
  lonLatAt(x: number, y: number): LonLat;
  pixelOf(at: LonLat): { x: number; y: number };
  setCursor(pointer: boolean): void;
  fenceAt(x: number, y: number): string | null;
  lockNorthUp(): void;
  destroy(): void;
}

export interface ViewOptions {
  container: HTMLElement;
  zone: Zone;
  shown: Shown;
  /** Normalised Mercator that vehicle positions are relative to. */
  anchor: { x: number; y: number };
  reducedMotion: boolean;
  events: MapEvents;
}
