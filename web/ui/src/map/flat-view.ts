// The map view for browsers without WebGL: zone and fences as Canvas2D paths, north
// up, no place names. Everything that matters for supervision works on it.

import type { Feature, FeatureCollection } from 'geojson';
import type { LonLat } from '../fence/shape';
import type { LayerState } from '../state/prefs';
import { degrees, type Mercator } from '../units';
import { pathOf, type Path } from './flat-path';
import { latOf, lonOf, mercX, mercY } from './mercator';
import { palettes, type MapPalette } from './palette';
import { anchored, type Camera } from './renderer';
import { patternImage } from './style';
import type { Box, MapEvents, MapView, ViewOptions } from './view';

const TILE = 512;
const PADDING = 36;
const MOVED_PX = 4;

export class FlatView implements MapView {
  private readonly canvas = document.createElement('canvas');
  private readonly g = this.canvas.getContext('2d')!;
  private readonly watch: ResizeObserver;
  private cx = 0.5;
  private cy = 0.5;
  private z = 12;
  private palette: MapPalette;
  private fences: FeatureCollection = { type: 'FeatureCollection', features: [] };
  private lost: FeatureCollection = { type: 'FeatureCollection', features: [] };
  private draft: FeatureCollection = { type: 'FeatureCollection', features: [] };
  private on: LayerState | null = null;
  private dim = false;
  private drag: { x: number; y: number; moved: boolean } | null = null;
  private request = 0;

  constructor(private readonly opt: ViewOptions) {
    this.palette = palettes[opt.shown];
    this.canvas.className = 'overlay flat';
    opt.container.replaceChildren(this.canvas);
    this.watch = new ResizeObserver(() => this.changed());
    this.watch.observe(opt.container);
    this.bind(opt.events);
    this.fit(opt.zone.bbox);
  }

  private get size(): { w: number; h: number } {
    return { w: this.opt.container.clientWidth, h: this.opt.container.clientHeight };
  }

  private get scale(): number {
    return TILE * 2 ** this.z;
  }

  private bind(on: MapEvents): void {
    const el = this.opt.container;
    const at = (e: MouseEvent) => {
      const box = el.getBoundingClientRect();
      return { x: e.clientX - box.left, y: e.clientY - box.top };
    };
    el.addEventListener('contextmenu', (e) => {
      e.preventDefault();
      const p = at(e);
      on.menu(p.x, p.y);
    });
    el.addEventListener('pointerdown', (e) => {
      if (e.button !== 0) return;
      this.drag = { ...at(e), moved: false };
      el.setPointerCapture(e.pointerId);
    });
    el.addEventListener('pointermove', (e) => {
      const p = at(e);
      if (!this.drag) return on.hover(p.x, p.y, true);
      const [dx, dy] = [p.x - this.drag.x, p.y - this.drag.y];
      if (!this.drag.moved && Math.hypot(dx, dy) < MOVED_PX) return;
      if (!this.drag.moved) on.grabbed();
      this.drag = { ...p, moved: true };
      this.panBy(-dx, -dy);
    });
    el.addEventListener('pointerup', (e) => {
      const p = at(e);
      if (this.drag && !this.drag.moved) on.click(p.x, p.y, e.shiftKey);
      this.drag = null;
    });
    el.addEventListener('pointerleave', () => on.hover(0, 0, false));
    el.addEventListener('dblclick', (e) => {
      const p = at(e);
      if (!on.doubleClick(p.x, p.y)) this.zoomAt(p.x, p.y, 1);
    });
    el.addEventListener('wheel', (e) => {
      e.preventDefault();
      const p = at(e);
      this.zoomAt(p.x, p.y, -e.deltaY / 400);
    }, { passive: false });
  }

  private zoomAt(x: number, y: number, steps: number): void {
    const { w, h } = this.size;
    const before = { x: this.cx + (x - w / 2) / this.scale, y: this.cy + (y - h / 2) / this.scale };
    this.z = Math.min(20, Math.max(3, this.z + steps));
    this.cx = before.x - (x - w / 2) / this.scale;
    this.cy = before.y - (y - h / 2) / this.scale;
    this.changed();
  }

  private changed(): void {
    this.request ||= requestAnimationFrame(() => {
      this.request = 0;
      this.draw();
      this.opt.events.drawn();
      this.opt.events.moved();
    });
  }

  camera(): Camera {
    const { w, h } = this.size;
    const s = this.scale;
    const m = [2 * s / w, 0, 0, 0, 0, -2 * s / h, 0, 0, 0, 0, 1, 0, -2 * s * this.cx / w, 2 * s * this.cy / h, 0, 1];
    return { matrix: anchored(m, this.opt.anchor.x, this.opt.anchor.y), width: w, height: h, dpr: window.devicePixelRatio || 1, bearing: 0 };
  }

  zoom = (): number => this.z;
  loaded = (): boolean => this.on !== null;

  box(): Box {
    const { w, h } = this.size;
    const [dx, dy] = [w / 2 / this.scale, h / 2 / this.scale];
    return [
      lonOf((this.cx - dx) as Mercator), latOf((this.cy + dy) as Mercator),
      lonOf((this.cx + dx) as Mercator), latOf((this.cy - dy) as Mercator),
    ];
  }

  panBy(dx: number, dy: number): void {
    this.cx += dx / this.scale;
    this.cy += dy / this.scale;
    this.changed();
  }

  zoomBy(steps: number): void {
    this.zoomAt(this.size.w / 2, this.size.h / 2, steps);
  }

  fit([w, s, e, n]: Box): void {
    const [x0, x1] = [mercX(degrees(w)), mercX(degrees(e))];
    const [y0, y1] = [mercY(degrees(n)), mercY(degrees(s))];
    const room = { w: Math.max(50, this.size.w - 2 * PADDING), h: Math.max(50, this.size.h - 2 * PADDING) };
    this.cx = (x0 + x1) / 2;
    this.cy = (y0 + y1) / 2;
    this.z = Math.min(17, Math.log2(Math.min(room.w / (x1 - x0), room.h / (y1 - y0)) / TILE));
    this.changed();
  }

  flyTo(lon: number, lat: number): void {
    this.z = Math.max(this.z, 14.5);
    this.centreOn(lon, lat);
  }

  centreOn(lon: number, lat: number): void {
    this.cx = mercX(degrees(lon));
    this.cy = mercY(degrees(lat));
    this.changed();
  }

  setTheme(shown: 'dark' | 'light'): void {
    this.palette = palettes[shown];
    this.changed();
  }

  setLayers(on: LayerState, dim: boolean): void {
    this.on = on;
    this.dim = dim;
    this.changed();
  }

  setFences(data: FeatureCollection): void {
    this.fences = data;
    this.changed();
  }

  setCoverage(data: FeatureCollection): void {
    this.lost = data;
    this.changed();
  }

  setDraft(data: FeatureCollection): void {
    this.draft = data;
    this.changed();
  }

  /** Nothing to draw on: shapes are given as coordinates here. */
  drawSurface = (): Promise<null> => Promise.resolve(null);

  lonLatAt(x: number, y: number): LonLat {
    const { w, h } = this.size;
    return [lonOf((this.cx + (x - w / 2) / this.scale) as Mercator), latOf((this.cy + (y - h / 2) / this.scale) as Mercator)];
  }

  pixelOf([lon, lat]: LonLat): { x: number; y: number } {
    const { w, h } = this.size;
    return { x: (mercX(degrees(lon)) - this.cx) * this.scale + w / 2, y: (mercY(degrees(lat)) - this.cy) * this.scale + h / 2 };
  }

  setCursor(pointer: boolean): void {
    this.opt.container.style.cursor = pointer ? 'pointer' : '';
  }

  fenceAt(x: number, y: number): string | null {
    // Paths are drawn in CSS pixels, points are asked in those of the device.
    const dpr = window.devicePixelRatio || 1;
    for (const f of [...this.fences.features].reverse()) {
      this.trace(pathOf(f));
      if (this.g.isPointInPath(x * dpr, y * dpr, 'evenodd')) return String(f.properties?.id);
    }
    return null;
  }

  lockNorthUp(): void {}

  destroy(): void {
    cancelAnimationFrame(this.request);
    this.watch.disconnect();
    this.canvas.remove();
  }

  private trace(p: Path): void {
    const { w, h } = this.size;
    const s = this.scale;
    this.g.beginPath();
    for (const ring of p.rings) {
      for (const [i, [lon, lat]] of ring.entries()) {
        const x = (mercX(degrees(lon!)) - this.cx) * s + w / 2;
        const y = (mercY(degrees(lat!)) - this.cy) * s + h / 2;
        if (i === 0) this.g.moveTo(x, y);
        else this.g.lineTo(x, y);
      }
      if (p.closed) this.g.closePath();
    }
    for (const [lon, lat] of p.points) {
      const x = (mercX(degrees(lon!)) - this.cx) * s + w / 2;
      this.g.arc(x, (mercY(degrees(lat!)) - this.cy) * s + h / 2, 6, 0, 7);
    }
  }

  private paint(f: Feature, fill: string | CanvasPattern | null, line: string | null, width: number, dash: number[] = []): void {
    const { g } = this;
    const p = pathOf(f);
    this.trace(p);
    if (fill && (p.closed || p.points.length > 0)) {
      g.fillStyle = fill;
      g.fill('evenodd');
    }
    if (!line) return;
    g.setLineDash(dash);
    g.strokeStyle = line;
    g.lineWidth = width;
    g.stroke();
  }

  private draw(): void {
    const { g, palette: p, on } = this;
    const { w, h } = this.size;
    const dpr = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(w * dpr);
    this.canvas.height = Math.round(h * dpr);
    g.setTransform(dpr, 0, 0, dpr, 0, 0);
    g.fillStyle = p.outside;
    g.fillRect(0, 0, w, h);
    if (!on) return;
    const zone = this.opt.zone.features.features;
    const each = (kinds: string[], paint: (f: Feature) => void) => {
      for (const f of zone) if (kinds.includes(String(f.properties?.kind))) paint(f);
    };
    if (on.boundary) each(['boundary'], (f) => this.paint(f, p.zone, p.boundary, 1.5, [8, 4]));
    if (on.channels) each(['channel'], (f) => this.paint(f, p.channel, p.channelLine, 1.2, [5, 3]));
    if (on.roads) each(['road'], (f) => this.paint(f, p.road, p.road, 4));
    if (on.pads) each(['pad', 'aerodrome'], (f) => this.paint(f, p.pad, p.padLine, 1.5));
    if (this.dim) {
      g.globalAlpha = 0.62;
      g.fillStyle = p.outside;
      g.fillRect(0, 0, w, h);
      g.globalAlpha = 1;
    }
    for (const f of this.lost.features) {
      g.globalAlpha = Number(f.properties?.share);
      this.paint(f, p.danger, null, 0);
    }
    g.globalAlpha = 1;
    if (on.fences) for (const f of this.fences.features) this.drawFence(f);
    for (const f of this.draft.features) {
      const role = f.properties?.role;
      if (role === 'fault') this.paint(f, null, p.danger, 4);
      else this.paint(f, null, role === 'old' ? p.boundary : p.select, 2.5, role === 'old' ? [4, 4] : []);
    }
  }

  private drawFence(f: Feature): void {
    const p = this.palette;
    const { kind, breached, open, resting } = f.properties ?? {};
    const out = kind === 'keep_out';
    const colour = breached ? p.danger : kind === 'keep_in' ? p.keepIn : out ? p.keepOut : p.speedLimit;
    const picture = document.createElement('canvas');
    const pixels = patternImage(out ? 'keep_out' : 'keep_in', colour);
    picture.width = pixels.width;
    picture.height = pixels.height;
    picture.getContext('2d')!.putImageData(pixels, 0, 0);
    this.paint(f, resting ? null : this.g.createPattern(picture, 'repeat'), colour, breached || open ? 3.5 : resting ? 1 : 2, kind === 'keep_in' ? [6, 4] : out ? [] : [2, 4]);
  }
}
