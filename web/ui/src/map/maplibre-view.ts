// The map view on MapLibre: base, fences and graticule; and the camera matrix,
// taken from a custom layer that draws nothing.

import { Map as MapLibre, ScaleControl, setWorkerUrl, type GeoJSONSource, type LayerSpecification } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import type { FeatureCollection } from 'geojson';
import type { LonLat } from '../fence/shape';
import { leisure } from '../state/leisure';
import type { LayerState } from '../state/prefs';
import { palettes, type Shown } from './palette';
import { anchored, type Camera } from './renderer';
import { layersOf, patternImage, patternName, styleOf } from './style';
import type { Box, DrawEvents, DrawSurface, MapEvents, MapView, ViewOptions } from './view';

const PADDING = 36;

export class MapLibreView implements MapView {
  readonly map: MapLibre;
  private matrix: Float64Array = new Float64Array(16);
  private shown: Shown;
  private fences: FeatureCollection | null = null;
  private draft: FeatureCollection | null = null;
  private lost: FeatureCollection | null = null;
  private layers: { on: LayerState; dim: boolean } | null = null;
  private ready = false;
  private gone = false;

  constructor(private readonly opt: ViewOptions) {
    setWorkerUrl(workerUrl);
    this.shown = opt.shown;
    this.map = new MapLibre({
      container: opt.container,
      style: styleOf(palettes[opt.shown], opt.shown, opt.zone.features),
      bounds: opt.zone.bbox,
      fitBoundsOptions: { padding: PADDING },
      attributionControl: false,
      keyboard: false,
      maxPitch: 60,
      minZoom: 3,
      maxZoom: 20,
      renderWorldCopies: false,
      localIdeographFontFamily: "'Noto Sans CJK SC', 'Noto Sans SC', 'Microsoft YaHei', 'PingFang SC', sans-serif",
      canvasContextAttributes: { antialias: false },
    });
    this.map.addControl(new ScaleControl({ unit: 'metric', maxWidth: 120 }), 'bottom-left');
    this.map.on('style.load', () => this.styleLoaded());
    this.bind(opt.events);
  }

  private bind(on: MapEvents): void {
    const { map } = this;
    map.on('render', () => on.drawn());
    map.on('moveend', () => {
      void this.drawGraticule();
      on.moved();
    });
    map.on('dragstart', () => on.grabbed());
    map.on('click', (e) => on.click(e.point.x, e.point.y, e.originalEvent.shiftKey));
    map.on('dblclick', (e) => {
      if (on.doubleClick(e.point.x, e.point.y)) e.preventDefault();
    });
    map.on('mousemove', (e) => on.hover(e.point.x, e.point.y, true));
    map.on('contextmenu', (e) => on.menu(e.point.x, e.point.y));
    map.on('mouseout', () => on.hover(0, 0, false));
  }

  private styleLoaded(): void {
    this.ready = true;
    this.addPatterns();
    this.map.addLayer({
      id: 'camera',
      type: 'custom',
      render: (_gl, args) => {
        const { x, y } = this.opt.anchor;
        this.matrix = anchored(args.defaultProjectionData.mainMatrix, x, y);
      },
    });
    if (this.fences) this.setFences(this.fences);
    if (this.draft) this.setDraft(this.draft);
    if (this.lost) this.setCoverage(this.lost);
    if (this.layers) this.setLayers(this.layers.on, this.layers.dim);
    void this.drawGraticule();
  }

  /** Both themes at once: a change of theme only changes names. */
  private addPatterns(): void {
    for (const shown of ['dark', 'light'] as const) {
      const p = palettes[shown];
      this.map.addImage(patternName('keep_out', shown), patternImage('keep_out', p.keepOut), { pixelRatio: 2 });
      this.map.addImage(patternName('keep_in', shown), patternImage('keep_in', p.keepIn), { pixelRatio: 2 });
    }
  }

  private async drawGraticule(): Promise<void> {
    await leisure;
    try {
      const { graticule } = await import('./graticule');
      if (!this.ready || this.gone) return;
      const [w, s, e, n] = this.box();
      this.source('graticule')?.setData(graticule(w, s, e, n));
    } catch {
      // The server is away: lines are drawn when the map moves next.
    }
  }

  private source(id: string): GeoJSONSource | undefined {
    return this.map.getSource<GeoJSONSource>(id);
  }

  camera(): Camera {
    const c = this.map.getContainer();
    return {
      matrix: this.matrix,
      width: c.clientWidth,
      height: c.clientHeight,
      dpr: window.devicePixelRatio || 1,
      bearing: (this.map.getBearing() * Math.PI) / 180,
    };
  }

  zoom = (): number => this.map.getZoom();
  loaded = (): boolean => this.ready && this.map.isStyleLoaded() === true && this.map.areTilesLoaded();

  box(): Box {
    const b = this.map.getBounds();
    return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()];
  }

  private get animate(): boolean {
    return !this.opt.reducedMotion;
  }

  panBy(dx: number, dy: number): void {
    this.map.panBy([dx, dy], { duration: this.animate ? 120 : 0 });
  }

  zoomBy(steps: number): void {
    this.map.easeTo({ zoom: this.map.getZoom() + steps, duration: this.animate ? 150 : 0 });
  }

  fit(box: Box): void {
    this.map.fitBounds([box[0], box[1], box[2], box[3]], { padding: PADDING, duration: this.animate ? 300 : 0, maxZoom: 17 });
  }

  flyTo(lon: number, lat: number): void {
    const zoom = Math.max(this.map.getZoom(), 14.5);
    this.map.easeTo({ center: [lon, lat], zoom, duration: this.animate ? 350 : 0 });
  }

  centreOn(lon: number, lat: number): void {
    const p = this.map.project([lon, lat]);
    const c = this.map.getContainer();
    if (Math.hypot(p.x - c.clientWidth / 2, p.y - c.clientHeight / 2) < 0.5 || this.map.isZooming()) return;
    this.map.jumpTo({ center: [lon, lat] });
  }

  setTheme(shown: Shown): void {
    if (shown === this.shown) return;
    this.shown = shown;
    if (!this.ready) return;
    if (this.source('coverage')) this.map.setPaintProperty('coverage', 'fill-color', palettes[shown].danger);
    for (const { spec } of layersOf(palettes[shown], shown)) {
      for (const [key, value] of Object.entries((spec as { paint?: Record<string, unknown> }).paint ?? {})) {
        // The keys come from the same style, so they fit their layers.
        this.map.setPaintProperty(spec.id, key as never, value as never);
      }
    }
  }

  setLayers(on: LayerState, dim: boolean): void {
    this.layers = { on, dim };
    if (!this.ready) return;
    for (const { key, spec } of layersOf(palettes[this.shown], this.shown)) {
      const visible = key === 'always' || (key === 'dim' ? dim : on[key]);
      this.map.setLayoutProperty(spec.id, 'visibility', visible ? 'visible' : 'none');
    }
  }

  setFences(data: FeatureCollection): void {
    this.fences = data;
    if (this.ready) this.source('fences')?.setData(data);
  }

  /** Source and layer are made when they are first needed. */
  setCoverage(data: FeatureCollection): void {
    this.lost = data;
    if (!this.ready) return;
    const have = this.source('coverage');
    if (have) return void have.setData(data);
    this.map.addSource('coverage', { type: 'geojson', data });
    const paint = { 'fill-color': palettes[this.shown].danger, 'fill-opacity': ['get', 'share'], 'fill-antialias': false };
    this.map.addLayer({ id: 'coverage', type: 'fill', source: 'coverage', paint } as LayerSpecification, 'fence-fill');
  }

  setDraft(data: FeatureCollection): void {
    this.draft = data;
    if (this.ready) this.source('draft')?.setData(data);
  }

  /** The drawing library comes as a chunk of its own when it is first wanted. */
  async drawSurface(on: DrawEvents): Promise<DrawSurface | null> {
    const { HandSurface } = await import('./draw');
    if (!this.ready) await this.map.once('idle');
    return new HandSurface(this.map, this.shown, on);
  }

  lonLatAt(x: number, y: number): LonLat {
    const p = this.map.unproject([x, y]);
    return [p.lng, p.lat];
  }

  pixelOf(at: LonLat): { x: number; y: number } {
    const p = this.map.project([at[0], at[1]]);
    return { x: p.x, y: p.y };
  }

  setCursor(pointer: boolean): void {
    this.map.getCanvas().style.cursor = pointer ? 'pointer' : '';
  }

  fenceAt(x: number, y: number): string | null {
    if (!this.ready) return null;
    const layers: LayerSpecification['id'][] = ['fence-fill'];
    const id: unknown = this.map.queryRenderedFeatures([x, y], { layers })[0]?.properties.id;
    return typeof id === 'string' ? id : null;
  }

  lockNorthUp(): void {
    this.map.jumpTo({ pitch: 0, bearing: 0 });
    this.map.setMaxPitch(0);
    this.map.dragRotate.disable();
    this.map.touchZoomRotate.disableRotation();
  }

  destroy(): void {
    this.gone = true;
    this.map.remove();
  }
}
