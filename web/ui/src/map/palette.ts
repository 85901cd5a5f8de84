// The colours of the map. Red is for danger only, yellow and amber for caution
// only, no pure blue; each has at least 3:1 against the ground it is drawn on.

export type Shown = 'dark' | 'light';

export interface MapPalette {
  outside: string; zone: string; boundary: string;
  road: string; roadCasing: string; channel: string; channelLine: string;
  pad: string; padLine: string; graticule: string; name: string; halo: string;
  keepOut: string; keepIn: string; speedLimit: string; danger: string;
  /** By phase number of the live record, 0..7. */
  phase: readonly string[];
  late: string; old: string; outline: string; core: string;
  levels: readonly string[];
  select: string; trail: string; label: string; labelHalo: string;
}

export const palettes: Record<Shown, MapPalette> = {
  dark: {
    outside: '#0a0f13', zone: '#131c23', boundary: '#74828d',
    road: '#46545f', roadCasing: '#222d35', channel: '#10303f', channelLine: '#2d6076',
    pad: '#1d2a32', padLine: '#8494a0', graticule: '#26323a', name: '#94a3ae', halo: '#0a0f13',
    keepOut: '#ea74bd', keepIn: '#43c59e', speedLimit: '#d9a066', danger: '#ff5449',
    phase: ['#a3b0ba', '#8696a2', '#5fd4e8', '#bda8ff', '#8dbcf5', '#93e08b', '#ff5449', '#ffb02e'],
    late: '#e0a63c', old: '#7b8891', outline: '#05090c', core: '#0d1419',
    levels: ['#000000', '#f2d64b', '#ffb02e', '#ff5449'],
    select: '#f4f8fa', trail: '#5fa9bb', label: '#e4ebef', labelHalo: '#0a0f13',
  },
  light: {
    outside: '#dde3e6', zone: '#f3f5f6', boundary: '#55636d',
    road: '#bcc7cd', roadCasing: '#a3b0b8', channel: '#cfe3ec', channelLine: '#5f93a8',
    pad: '#e2e8eb', padLine: '#5c6b76', graticule: '#ccd5da', name: '#4a5862', halo: '#f3f5f6',
    keepOut: '#a01f74', keepIn: '#0b7350', speedLimit: '#7d4e16', danger: '#c3221b',
    phase: ['#5b6973', '#5b6973', '#006a86', '#6544c4', '#2c62ab', '#2b7430', '#c3221b', '#945400'],
    late: '#8d6200', old: '#75828b', outline: '#ffffff', core: '#ffffff',
    levels: ['#000000', '#8a6d00', '#a85f00', '#c3221b'],
    select: '#11181d', trail: '#3d8496', label: '#162027', labelHalo: '#ffffff',
  },
};

/** '#rrggbb' as three numbers 0..1. */
export function rgb(hex: string): [number, number, number] {
  const n = parseInt(hex.slice(1), 16);
  return [(n >> 16) / 255, ((n >> 8) & 255) / 255, (n & 255) / 255];
}
