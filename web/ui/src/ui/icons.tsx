// Small drawings, inline: class silhouettes and level shapes as on the map.

import { isTraffic } from '../live/fleet';

const outlines: Record<string, string> = {
  uav: 'M8 1.2 13.4 14.2 8 10.6 2.6 14.2Z',
  icv: 'M6.1 2.2h3.8l1.3 3v8.6H4.8V5.2Z',
  usv: 'M8 .9 11.2 7.4v6.4H4.8V7.4Z',
  aircraft: 'M8 1.2 13.4 14.2 8 10.6 2.6 14.2Z',
  vessel: 'M8 .9 11.2 7.4v6.4H4.8V7.4Z',
  unknown: 'M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3Z',
};

export function ClassIcon({ cls, hollow, stale }: { cls: string; hollow?: boolean; stale?: boolean }) {
  return (
    <svg class={`icon class-icon${stale ? ' is-stale' : ''}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={outlines[cls] ?? outlines.unknown} fill={hollow || isTraffic(cls) ? 'none' : 'currentColor'} stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" />
    </svg>
  );
}

const levels: Record<number, string> = {
  3: 'M8 1.6 15 14H1Z',
  2: 'M8 1 15 8 8 15 1 8Z',
  1: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z',
};

export function LevelIcon({ level, filled }: { level: number; filled: boolean }) {
  return (
    <svg class={`icon level-icon level-${level}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={levels[level] ?? levels[1]} fill={filled ? 'currentColor' : 'none'} stroke="currentColor" stroke-width="1.7" stroke-linejoin="round" />
    </svg>
  );
}

const glyphs = {
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  home: 'M2 8 8 2.5 14 8M4 7v6.5h8V7',
  layers: 'M8 2 14.5 5.5 8 9 1.5 5.5ZM1.5 8.2 8 11.7l6.5-3.5M1.5 10.9 8 14.4l6.5-3.5',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  list: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  sound: 'M2 6v4h2.6L8 13V3L4.6 6ZM10.5 5.5a3.6 3.6 0 0 1 0 5M12.4 3.6a6.2 6.2 0 0 1 0 8.8',
  mute: 'M2 6v4h2.6L8 13V3L4.6 6ZM10.6 6l4 4M14.6 6l-4 4',
  target: 'M8 1v3M8 12v3M1 8h3M12 8h3M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7Z',
  bell: 'M3 12h10c-1.2-1.3-1.6-2.8-1.6-5a3.4 3.4 0 0 0-6.8 0c0 2.2-.4 3.7-1.6 5ZM6.6 14h2.8',
  person: 'M8 2.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM2.5 14c.4-3 2.6-4.2 5.5-4.2s5.1 1.2 5.5 4.2',
  theme: 'M8 2a6 6 0 1 0 0 12ZM8 2a6 6 0 1 1 0 12',
} as const;

export function Glyph({ name }: { name: keyof typeof glyphs }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={glyphs[name]} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
