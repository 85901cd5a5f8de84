// The offline base map: the zone's own features, fences and a graticule, as a
// MapLibre style without glyphs, sprites or tiles. Nothing is fetched.

import type { LayerSpecification, StyleSpecification, FilterSpecification, ExpressionSpecification } from 'maplibre-gl';
import type { FeatureCollection } from 'geojson';
import type { LayerKey } from '../state/prefs';
import type { MapPalette, Shown } from './palette';

const empty: FeatureCollection = { type: 'FeatureCollection', features: [] };
const FONT = ['Noto Sans CJK SC', 'Noto Sans SC', 'Microsoft YaHei', 'PingFang SC', 'sans-serif'];
const kind = (...kinds: string[]): FilterSpecification => ['in', ['get', 'kind'], ['literal', kinds]];
const role = (name: string): FilterSpecification => ['==', ['get', 'role'], name];
const shaped = (geometry: string, ...kinds: string[]): FilterSpecification => [
  'all', kind(...kinds) as ExpressionSpecification, ['==', ['geometry-type'], geometry],
];

/** A layer and the switch that shows it; 'always' has none. */
export interface Layer { readonly key: LayerKey | 'always' | 'dim'; readonly spec: LayerSpecification }

export const patternName = (k: string, shown: Shown) => `hatch-${k}-${shown}`;

function text(id: string, source: string, filter: FilterSpecification, size: number, colour: string, halo: string): LayerSpecification {
  return {
    id, type: 'symbol', source, filter,
    layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': size, 'text-max-width': 9, 'text-padding': 4 },
    paint: { 'text-color': colour, 'text-halo-color': halo, 'text-halo-width': 1.4 },
  };
}

export function layersOf(p: MapPalette, shown: Shown): Layer[] {
  const width = (at12: number, at17: number): ExpressionSpecification =>
    ['interpolate', ['exponential', 1.5], ['zoom'], 12, at12, 17, at17];
  const fenceColour: ExpressionSpecification = [
    'case', ['get', 'breached'], p.danger, ['match', ['get', 'kind'], 'keep_in', p.keepIn, 'speed_limit', p.speedLimit, p.keepOut],
  ];
  // A fence that its schedule does not put in force now: no hatch, a thin line.
  const active = (k: string): FilterSpecification => ['all', ['==', ['get', 'kind'], k], ['!', ['get', 'resting']]];
  const fenceWidth: ExpressionSpecification = ['case', ['any', ['get', 'breached'], ['get', 'open']], 3.5, ['get', 'resting'], 1, 2];
  return [
    { key: 'always', spec: { id: 'outside', type: 'background', paint: { 'background-color': p.outside } } },
    { key: 'boundary', spec: { id: 'zone', type: 'fill', source: 'zone', filter: shaped('Polygon', 'boundary'), paint: { 'fill-color': p.zone } } },
    { key: 'channels', spec: { id: 'channel', type: 'fill', source: 'zone', filter: shaped('Polygon', 'channel'), paint: { 'fill-color': p.channel } } },
    { key: 'channels', spec: { id: 'channel-bed', type: 'line', source: 'zone', filter: shaped('LineString', 'channel'), layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': p.channel, 'line-width': width(9, 90) } } },
    { key: 'channels', spec: { id: 'channel-line', type: 'line', source: 'zone', filter: kind('channel'), paint: { 'line-color': p.channelLine, 'line-width': 1.2, 'line-dasharray': [5, 3] } } },
    { key: 'roads', spec: { id: 'road-area', type: 'fill', source: 'zone', filter: shaped('Polygon', 'road'), paint: { 'fill-color': p.road } } },
    { key: 'roads', spec: { id: 'road-casing', type: 'line', source: 'zone', filter: shaped('LineString', 'road'), layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': p.roadCasing, 'line-width': width(3.4, 18) } } },
    { key: 'roads', spec: { id: 'road', type: 'line', source: 'zone', filter: shaped('LineString', 'road'), layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': p.road, 'line-width': width(2, 14) } } },
    { key: 'pads', spec: { id: 'pad-area', type: 'fill', source: 'zone', filter: shaped('Polygon', 'pad', 'aerodrome'), paint: { 'fill-color': p.pad } } },
    { key: 'pads', spec: { id: 'pad-outline', type: 'line', source: 'zone', filter: shaped('Polygon', 'pad', 'aerodrome'), paint: { 'line-color': p.padLine, 'line-width': 1.2 } } },
    { key: 'pads', spec: { id: 'pad', type: 'circle', source: 'zone', filter: shaped('Point', 'pad', 'aerodrome'), paint: { 'circle-color': p.pad, 'circle-stroke-color': p.padLine, 'circle-stroke-width': 1.5, 'circle-radius': width(5, 12) } } },
    { key: 'graticule', spec: { id: 'graticule', type: 'line', source: 'graticule', filter: ['==', ['geometry-type'], 'LineString'], paint: { 'line-color': p.graticule, 'line-width': 1 } } },
    { key: 'boundary', spec: { id: 'boundary', type: 'line', source: 'zone', filter: kind('boundary'), paint: { 'line-color': p.boundary, 'line-width': 1.6, 'line-dasharray': [8, 3, 2, 3] } } },
    { key: 'names', spec: text('names', 'zone', kind('road', 'channel', 'aerodrome'), 11, p.name, p.halo) },
    { key: 'names', spec: { ...text('names-pad', 'zone', kind('pad'), 11, p.name, p.halo), minzoom: 12, layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 11, 'text-offset': [0, 1.2], 'text-anchor': 'top' } } as LayerSpecification },
    { key: 'dim', spec: { id: 'dim', type: 'background', paint: { 'background-color': p.outside, 'background-opacity': 0.62 } } },
    { key: 'fences', spec: { id: 'fence-fill', type: 'fill', source: 'fences', paint: { 'fill-color': fenceColour, 'fill-opacity': ['case', ['any', ['get', 'breached'], ['get', 'open']], 0.16, ['get', 'resting'], 0.02, 0.07] } } },
    { key: 'fences', spec: { id: 'fence-hatch-out', type: 'fill', source: 'fences', filter: active('keep_out'), paint: { 'fill-pattern': patternName('keep_out', shown) } } },
    { key: 'fences', spec: { id: 'fence-hatch-in', type: 'fill', source: 'fences', filter: active('keep_in'), paint: { 'fill-pattern': patternName('keep_in', shown) } } },
    { key: 'fences', spec: { id: 'fence-halo', type: 'line', source: 'fences', paint: { 'line-color': p.halo, 'line-width': 5, 'line-opacity': 0.5 } } },
    { key: 'fences', spec: { id: 'fence-out', type: 'line', source: 'fences', filter: ['==', ['get', 'kind'], 'keep_out'], paint: { 'line-color': fenceColour, 'line-width': fenceWidth } } },
    { key: 'fences', spec: { id: 'fence-in', type: 'line', source: 'fences', filter: ['==', ['get', 'kind'], 'keep_in'], paint: { 'line-color': fenceColour, 'line-width': fenceWidth, 'line-dasharray': [3, 2] } } },
    { key: 'fences', spec: { id: 'fence-speed', type: 'line', source: 'fences', filter: ['==', ['get', 'kind'], 'speed_limit'], paint: { 'line-color': fenceColour, 'line-width': fenceWidth, 'line-dasharray': [1, 1.5] } } },
    { key: 'fences', spec: text('fence-name', 'fences', true as unknown as FilterSpecification, 12, p.label, p.halo) },
    { key: 'always', spec: { id: 'draft-fill', type: 'fill', source: 'draft', filter: role('new'), paint: { 'fill-color': p.select, 'fill-opacity': 0.14 } } },
    { key: 'always', spec: { id: 'draft-old', type: 'line', source: 'draft', filter: role('old'), paint: { 'line-color': p.boundary, 'line-width': 2.5, 'line-dasharray': [2, 2] } } },
    { key: 'always', spec: { id: 'draft-line', type: 'line', source: 'draft', filter: role('new'), paint: { 'line-color': p.select, 'line-width': 2 } } },
    { key: 'always', spec: { id: 'draft-guide', type: 'line', source: 'draft', filter: role('guide'), paint: { 'line-color': p.phase[2]!, 'line-width': 1.5, 'line-dasharray': [4, 3] } } },
    { key: 'always', spec: { id: 'draft-fault', type: 'line', source: 'draft', filter: role('fault'), paint: { 'line-color': p.danger, 'line-width': 4 } } },
    { key: 'always', spec: { id: 'draft-fault-point', type: 'circle', source: 'draft', filter: ['all', role('fault') as ExpressionSpecification, ['==', ['geometry-type'], 'Point']], paint: { 'circle-color': p.danger, 'circle-radius': 6, 'circle-stroke-color': p.halo, 'circle-stroke-width': 1.5 } } },
    { key: 'graticule', spec: { id: 'graticule-label', type: 'symbol', source: 'graticule', filter: ['==', ['geometry-type'], 'Point'], layout: { 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 10, 'text-anchor': ['get', 'anchor'], 'text-offset': ['case', ['==', ['get', 'anchor'], 'right'], ['literal', [-0.5, -0.8]], ['literal', [0, 0.4]]], 'text-allow-overlap': true }, paint: { 'text-color': p.name, 'text-halo-color': p.halo, 'text-halo-width': 1.2 } } },
  ];
}

export function styleOf(p: MapPalette, shown: Shown, zone: FeatureCollection): StyleSpecification {
  return {
    version: 8,
    sources: {
      zone: { type: 'geojson', data: zone },
      // The default tolerance makes a visible polygon of a circle.
      fences: { type: 'geojson', data: empty, tolerance: 0.05 },
      graticule: { type: 'geojson', data: empty },
      draft: { type: 'geojson', data: empty, tolerance: 0.05 },
    },
    layers: layersOf(p, shown).map((l) => l.spec),
  };
}

/** Fill patterns: oblique lines say keep out, sparse dots keep in. */
export function patternImage(k: 'keep_out' | 'keep_in', colour: string): ImageData {
  const size = 24;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const g = canvas.getContext('2d')!;
  g.globalAlpha = k === 'keep_out' ? 0.42 : 0.34;
  g.strokeStyle = g.fillStyle = colour;
  if (k === 'keep_out') {
    g.lineWidth = 2;
    g.beginPath();
    for (const d of [-size, 0, size]) {
      g.moveTo(d - 2, size + 2);
      g.lineTo(d + size + 2, -2);
    }
    g.stroke();
  } else {
    for (const [x, y] of [[6, 6], [18, 18]] as const) {
      g.beginPath();
      g.arc(x, y, 1.6, 0, 7);
      g.fill();
    }
  }
  return g.getImageData(0, 0, size, size);
}
