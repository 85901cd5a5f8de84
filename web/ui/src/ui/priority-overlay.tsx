// The keep-outs of priority traffic over the map: red and dashed, with the way ahead
// and the ways out. They move with the map at each frame in which it moved.

import { useEffect, useState } from 'preact/hooks';
import '../styles/priority.css';
import type { PriorityTraffic } from '../api/priority';
import { needTexts } from '../i18n';
import { t } from '../i18n/later';
import { liveMap } from '../map/current';
import { priorities, watchPriorities } from '../state/priority';

const METRES_PER_DEGREE = 111_320;

interface At { lat: number; lon: number }

function pixel(p: At): { x: number; y: number } | null {
  return liveMap()?.view.pixelOf([p.lon, p.lat]) ?? null;
}

/** How many pixels a distance is at a place. */
function pixels(at: At, metres: number): number {
  const a = pixel(at);
  const b = pixel({ lat: at.lat + metres / METRES_PER_DEGREE, lon: at.lon });
  return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
}

const path = (points: readonly At[]) => points.map(pixel).filter((p) => p !== null).map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(' ');

function Drawn({ of: p }: { of: PriorityTraffic }) {
  const now = p.now;
  const at = now?.position && pixel(now.position);
  if (!now || !now.position || !at) return null;
  const r = pixels(now.position, now.radius_m);
  return (
    <g data-priority={p.id} data-where={now.where}>
      <polyline class="priority-lane" points={path(now.path ?? [])} style={{ strokeWidth: `${2 * r}px` }} />
      <polyline class="priority-way" points={path(now.path ?? [])} />
      <circle class="priority-keepout" cx={at.x} cy={at.y} r={r} />
      <circle class="priority-centre" cx={at.x} cy={at.y} r="5" />
      <text class="priority-name" x={at.x + 9} y={at.y - 9}>{p.name}</text>
      {(now.affected ?? []).filter((a) => a.exit.kind === 'move').map((a) => (
        <polyline key={a.vehicle.id} class="priority-exit" points={path([a.position, a.exit.position])} />
      ))}
    </g>
  );
}

export function PriorityOverlay() {
  const [, draw] = useState('');
  const shown = priorities.value.filter((p) => p.now?.position);
  useEffect(watchPriorities, []);
  useEffect(() => {
    if (!shown.length) return;
    let frame = 0;
    const look = () => {
      const v = liveMap()?.view;
      if (v) draw(JSON.stringify([v.camera(), v.pixelOf([0, 0])])); // draws only when it changed
      frame = requestAnimationFrame(look);
    };
    frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  }, [shown.length > 0]);
  if (!shown.length) return null;
  return (
    <svg class="priority-overlay" role="img" aria-label={t('prio.onMap', { names: shown.map((p) => p.name).join(', ') })} data-testid="priority-overlay">
      {shown.map((p) => <Drawn key={p.id} of={p} />)}
    </svg>
  );
}

/** The overlay, when its texts are there. */
export const ready = needTexts('vehicles').then(() => PriorityOverlay);
