// The one map of the page, for everybody who wants to move it or ask it. The map
// library itself is loaded as a chunk of its own; nothing here pulls it in.

import type { Scene } from './scene';
import type { MapView } from './view';

export interface LiveMap {
  view: MapView;
  scene: Scene;
  home(): void;
  destroy(): void;
}

let current: LiveMap | null = null;

export const liveMap = (): LiveMap | null => current;
export const setLiveMap = (m: LiveMap | null): void => void (current = m);
