// The keep-outs of priority traffic over the map: red and dashed, with the way ahead
// and the ways out. They move with the map at each frame in which it moved.

import '../styles/overlay.css';
import type { Affected, PriorityTraffic } from '../api/priority';
import { needTexts } from '../i18n';
import { t } from '../i18n/later';
import { priorities } from '../state/priority';
import { path, pixel, useMapFrames, type At } from './overlay';
import { exitText } from './priority-text';

const METRES_PER_DEGREE = 111_320;

/** About the vehicle: a square for hold, an arrow up or down beside it, a cross for none. */
const SIGNS: Record<Exclude<Affected['exit']['kind'], 'move'>, string> = {
  hold: 'm-13-13h26v26h-26z', climb: 'm18 10v-20m-6 7l6-7l6 7', descend: 'm18-10v20m-6-7l6 7l6-7', none: 'm-12-12l24 24m0-24l-24 24',
};

/** How many pixels a distance is at a place. */
function pixels(at: At, metres: number): number {
  const a = pixel(at);
  const b = pixel({ lat: at.lat + metres / METRES_PER_DEGREE, lon: at.lon });
  return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
}

/** The way out of a vehicle: where it is sent, or a sign at the vehicle. */
function Exit({ of: a }: { of: Affected }) {
  const at = pixel(a.position);
  const to = pixel(a.exit.position);
  if (!at || !to) return null;
  return (
    <g data-exit={a.exit.kind} data-vehicle={a.vehicle.id}>
      <title>{t('prio.exitOf', { name: a.vehicle.name || a.vehicle.id, exit: exitText(a) })}</title>
      {a.exit.kind === 'move' && (
        <>
          <polyline class="priority-exit-edge" points={path([a.position, a.exit.position])} />
          <polyline class="priority-exit" points={path([a.position, a.exit.position])} />
          <circle class="priority-exit-end" cx={to.x} cy={to.y} r="6" />
        </>
      )}
      {a.exit.kind !== 'move' && <path class={`priority-sign priority-sign-${a.exit.kind}`} d={`M${at.x} ${at.y}${SIGNS[a.exit.kind]}`} />}
    </g>
  );
}

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
      {(now.affected ?? []).map((a) => <Exit key={a.vehicle.id} of={a} />)}
    </g>
  );
}

export function PriorityOverlay() {
  const shown = priorities.value.filter((p) => p.now?.position);
  useMapFrames(shown.length > 0);
  if (!shown.length) return null;
  return (
    <svg class="priority-overlay" role="img" aria-label={t('prio.onMap', { names: shown.map((p) => p.name).join(', ') })} data-testid="priority-overlay">
      {shown.map((p) => <Drawn key={p.id} of={p} />)}
    </svg>
  );
}

/** The overlay, when its texts are there. */
export const ready = needTexts('vehicles').then(() => PriorityOverlay);
