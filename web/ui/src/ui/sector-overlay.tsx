// The sectors of the zone over the map, with their names and who is on duty for them. One
// for which nobody is says so. They move with the map at each frame in which it moved.

import type { DutyBoard } from '../api/zone';
import { zoneApi } from '../api/zone';
import { needTexts } from '../i18n';
import { t } from '../i18n/later';
import { liveMap } from '../map/current';
import { sectorLayer } from '../state/prefs';
import { useMapFrames } from './overlay';
import { useLive } from './use-live';
import '../styles/sectors.css';

type Sector = NonNullable<DutyBoard['sectors']>[number];

const pixel = (p: readonly number[]) => liveMap()?.view.pixelOf([p[0]!, p[1]!]) ?? null;

/** Who is on duty for a sector, by name as far as this person may know it. */
function onDuty(s: Sector, board: DutyBoard): string {
  if ((board.uncovered ?? []).some((u) => u.id === s.id)) return t('sector.nobody');
  const who = (board.items ?? []).filter((d) => d.present && (!d.sectors?.length || d.sectors.includes(s.id)));
  return who.map((d) => d.name).filter(Boolean).join(', ') || t('sector.covered');
}

function Drawn({ of: s, board }: { of: Sector; board: DutyBoard }) {
  const corners = (s.area ?? []).map(pixel).filter((p) => p !== null);
  if (corners.length < 3) return null;
  const who = onDuty(s, board);
  const [x, y] = [Math.min(...corners.map((p) => p.x)), Math.min(...corners.map((p) => p.y))];
  // A corner out of sight has its name at the edge of the map.
  const [left, top] = [Math.max(x, 60) + 8, Math.max(y, 0) + 16];
  return (
    <g data-sector={s.id} data-uncovered={who === t('sector.nobody')}>
      <polygon class="sector-area" points={corners.map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(' ')} />
      <text class="sector-name" x={left} y={top}>{s.name}</text>
      <text class="sector-who" x={left} y={top + 15}>{who}</text>
    </g>
  );
}

export function SectorOverlay() {
  const { value: board } = useLive(zoneApi.duty, 'duty');
  const areas = sectorLayer.value ? (board?.sectors ?? []).filter((s) => (s.area ?? []).length > 2) : [];
  useMapFrames(areas.length > 0);
  if (!board || !areas.length) return null;
  return (
    <svg class="sector-overlay" role="img" aria-label={t('sector.onMap', { sectors: areas.map((s) => `${s.name}: ${onDuty(s, board)}`).join('; ') })} data-testid="sector-overlay">
      {areas.map((s) => <Drawn key={s.id} of={s} board={board} />)}
    </svg>
  );
}

/** The overlay, when its texts are there. */
export const ready = needTexts('vehicles').then(() => SectorOverlay);
