// Red rings around the vehicles whose fences are not enforced, while the coverage
// layer is shown: broken, so that colour is not the only cue.

import type { Fleet } from '../live/fleet';
import { uncovered } from '../state/uncovered';
import type { MapPalette } from './palette';
import type { ScreenPoint } from './pick';

const RADIUS = 13;

export function drawRings(g: CanvasRenderingContext2D, points: readonly ScreenPoint[], fleet: Fleet, p: MapPalette, dpr: number): void {
  const ids = uncovered.peek();
  if (ids.size === 0) return;
  g.save();
  g.scale(dpr, dpr);
  g.strokeStyle = p.danger;
  g.lineWidth = 2.5;
  g.setLineDash([6, 3]);
  for (const s of points) {
    if (!ids.has(fleet.id(s.slot))) continue;
    g.beginPath();
    g.arc(s.x, s.y, RADIUS, 0, 7);
    g.stroke();
  }
  g.restore();
}
