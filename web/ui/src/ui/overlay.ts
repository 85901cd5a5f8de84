// Places on the map as pixels, for what is drawn over it.

import { useEffect, useState } from 'preact/hooks';
import { liveMap } from '../map/current';

export interface At { lat: number; lon: number }

export const pixel = (p: At): { x: number; y: number } | null => liveMap()?.view.pixelOf([p.lon, p.lat]) ?? null;

export const path = (points: readonly At[]): string => points.map(pixel).filter((p) => p !== null).map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(' ');

/** Draws again at each frame in which the map moved, or what also says, while it is on. */
export function useMapFrames(on: boolean, also: () => unknown = () => 0): void {
  const [, draw] = useState('');
  useEffect(() => {
    if (!on) return;
    let frame = 0;
    const look = () => {
      const v = liveMap()?.view;
      if (v) draw(JSON.stringify([v.camera(), v.pixelOf([0, 0]), also()]));
      frame = requestAnimationFrame(look);
    };
    frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  }, [on]);
}
