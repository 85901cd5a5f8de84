// Drawing by hand, on terra-draw. The library knows no holes, circles or corridors
// as fences do, so each ring is a feature of its own, a circle is eight handles, and
// a corridor its line; the shape is put together again after each act of the hand.

import type { Map as MapLibre } from 'maplibre-gl';
import type { Polygon, Position } from 'geojson';
import {
  TerraDraw, TerraDrawCircleMode, TerraDrawLineStringMode, TerraDrawPolygonMode, TerraDrawRectangleMode, TerraDrawSelectMode,
  type GeoJSONStoreFeatures, type HexColor, type SnapToCustom,
} from 'terra-draw';
import { TerraDrawMapLibreGLAdapter } from 'terra-draw-maplibre-gl-adapter';
import { distanceM } from '../fence/measure';
import { lonLat, openRing, type LonLat, type Shape } from '../fence/shape';
import type { Tool } from '../state/fence-editor';
import { degrees, metres } from '../units';
import { circlePolygon } from './ellipsoid';
import { palettes, type MapPalette, type Shown } from './palette';
import type { DrawEvents, DrawSurface } from './view';

const HANDLES = 8;
const NEW_WIDTH_M = 100;

const modeOf: Record<Tool, string> = {
  polygon: 'polygon', part: 'polygon', hole: 'polygon', rectangle: 'rectangle', circle: 'circle', corridor: 'linestring', select: 'select',
};

type Drawn = GeoJSONStoreFeatures;
const ours = (f: Drawn) => f.properties.part === true;
const rounded = (p: Position): Position => [...lonLat(p)];

export class HandSurface implements DrawSurface {
  private readonly draw: TerraDraw;
  private shape: Shape | null = null;
  private tool: Tool = 'select';
  private touched = false;
  private loading = false;
  private stopped = false;

  constructor(map: MapLibre, private shown: Shown, private readonly on: DrawEvents) {
    const snapping = { toCustom: this.snap };
    const handles = { midpoints: { draggable: true }, draggable: true, deletable: true, snappable: snapping };
    this.draw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 9 }),
      modes: [
        new TerraDrawPolygonMode({ snapping, keyEvents: null, showCoordinatePoints: true }),
        new TerraDrawRectangleMode({ keyEvents: null }),
        new TerraDrawCircleMode({ keyEvents: null }),
        new TerraDrawLineStringMode({ snapping, keyEvents: null }),
        new TerraDrawSelectMode({
          keyEvents: null,
          allowManualDeselection: false,
          flags: {
            polygon: { feature: { draggable: false, selfIntersectable: true, coordinates: handles } },
            linestring: { feature: { draggable: false, coordinates: handles } },
            circle: { feature: { draggable: true, coordinates: { resizable: 'center-fixed' } } },
          },
        }),
      ],
    });
    this.draw.start();
    this.setTheme(shown);
    this.draw.on('finish', (id, c) => this.finished(id, c.mode));
    this.draw.on('change', (_ids, type, context) => {
      if (this.loading || type === 'styling' || (context && 'origin' in context)) return;
      this.touched = true;
      this.follow();
    });
    window.addEventListener('pointerup', this.released);
    window.addEventListener('contextmenu', this.released);
  }

  /** With Alt held the hand goes where it wants. */
  private readonly snap: SnapToCustom = (event) => {
    const found = event.heldKeys.includes('Alt') ? null : this.on.snap([event.lng, event.lat]);
    return found ? [...found] : undefined;
  };

  setTheme(shown: Shown): void {
    this.shown = shown;
    const p: MapPalette = palettes[this.shown];
    const line = p.select as HexColor;
    const halo = p.halo as HexColor;
    const area = { fillColor: line, fillOpacity: 0.12, outlineColor: line, outlineWidth: 2 };
    const point = (name: string, colour: HexColor, width: number) => ({
      [`${name}Color`]: colour, [`${name}Width`]: width, [`${name}OutlineColor`]: halo, [`${name}OutlineWidth`]: 2,
    });
    const handle = p.phase[2] as HexColor;
    this.draw.setModeStyles('polygon', { ...area, ...point('closingPoint', handle, 6), ...point('coordinatePoint', line, 4), ...point('snappingPoint', handle, 6) });
    this.draw.setModeStyles('rectangle', area);
    this.draw.setModeStyles('circle', area);
    this.draw.setModeStyles('linestring', { lineStringColor: line, lineStringWidth: 2.5, ...point('closingPoint', handle, 6), ...point('snappingPoint', handle, 6) });
    const styles = {
      selectedPolygonColor: line, selectedPolygonFillOpacity: 0, selectedPolygonOutlineColor: line, selectedPolygonOutlineWidth: 2,
      // Of a circle only the handles: its outline is the draft's.
      selectedPolygonOutlineOpacity: (f: Drawn) => (f.properties.mode === 'circle' ? 0 : 1),
      selectedLineStringColor: line, selectedLineStringWidth: 2.5, ...point('selectionPoint', handle, 6), ...point('midPoint', line, 4),
    };
    this.draw.updateModeOptions<typeof TerraDrawSelectMode>('select', { styles });
  }

  show(shape: Shape | null, tool: Tool): void {
    if (this.stopped || (shape === this.shape && tool === this.tool)) return;
    this.shape = shape;
    this.tool = tool;
    this.load();
  }

  private load(): void {
    this.loading = true;
    this.draw.setMode(modeOf[this.tool]);
    this.draw.clear();
    if (this.tool === 'select') {
      const parts = this.parts();
      this.draw.addFeatures(parts);
      const first = parts[0]?.id;
      if (first !== undefined && this.draw.hasFeature(first)) this.draw.selectFeature(first);
    }
    this.touched = false;
    this.loading = false;
  }

  private part(geometry: Drawn['geometry'], mode: string, more: Record<string, number> = {}): Drawn {
    return { id: this.draw.getFeatureId(), type: 'Feature', geometry, properties: { mode, part: true, ...more } };
  }

  private parts(): Drawn[] {
    const s = this.shape;
    switch (s?.kind) {
      case 'polygons':
        return s.polygons.flatMap((rings, polygon) => rings.filter((r) => r.length > 2).map((r, ring) =>
          this.part({ type: 'Polygon', coordinates: [[...r, r[0]!].map((p) => [...p])] }, 'polygon', { polygon, ring })));
      case 'corridor':
        return s.line.length > 1 ? [this.part({ type: 'LineString', coordinates: s.line.map((p) => [...p]) }, 'linestring')] : [];
      case 'circle': {
        if (!(s.radiusM > 0)) return [];
        const around = circlePolygon(degrees(s.center[0]), degrees(s.center[1]), metres(s.radiusM), HANDLES);
        return [this.part({ type: 'Polygon', coordinates: around.coordinates.map((r) => r.map(rounded)) }, 'circle')];
      }
      default:
        return [];
    }
  }

  /** The shape as the features now say it. */
  private read(): Shape | null {
    const found = this.draw.getSnapshot().filter(ours);
    const s = this.shape;
    if (!s || found.length === 0) return s;
    if (s.kind === 'corridor') {
      const line = found[0]!.geometry;
      return line.type === 'LineString' ? { ...s, line: line.coordinates.map(lonLat) } : s;
    }
    if (s.kind === 'circle') return circleOf(found[0]!.geometry as Polygon);
    const polygons = s.polygons.map((rings) => [...rings]);
    for (const f of found) {
      const { polygon, ring } = f.properties as { polygon: number; ring: number };
      if (f.geometry.type === 'Polygon' && polygons[polygon]?.[ring]) polygons[polygon]![ring] = openRing(f.geometry.coordinates[0]!);
    }
    return { kind: 'polygons', polygons };
  }

  private follow(): void {
    if (this.tool === 'select') return this.on.moving(this.read(), []);
    const f = this.draw.getSnapshot().find((x) => x.properties.mode === modeOf[this.tool] && x.geometry.type !== 'Point');
    if (!f) return;
    if (f.geometry.type === 'Polygon' && modeOf[this.tool] === 'polygon') this.on.moving(null, openRing(f.geometry.coordinates[0]!));
    else if (f.geometry.type === 'LineString') this.on.moving(null, f.geometry.coordinates.map(lonLat));
  }

  /** A tool has drawn its shape. */
  private finished(id: string | number, mode: string): void {
    if (mode === 'select') return;
    const f = this.draw.getSnapshotFeature(id);
    const made = f && this.made(f);
    // Not from within the library's own event.
    queueMicrotask(() => {
      if (made && !this.stopped) this.on.changed(made);
    });
  }

  private made(f: Drawn): Shape | null {
    if (f.geometry.type === 'LineString') {
      return { kind: 'corridor', line: f.geometry.coordinates.map(lonLat), widthM: this.shape?.kind === 'corridor' ? this.shape.widthM : NEW_WIDTH_M };
    }
    if (f.geometry.type !== 'Polygon') return null;
    if (this.tool === 'circle') return circleOf(f.geometry);
    const ring = openRing(f.geometry.coordinates[0]!);
    const adds = this.tool === 'hole' || this.tool === 'part';
    if (!adds || this.shape?.kind !== 'polygons') return { kind: 'polygons', polygons: [[ring]] };
    if (this.tool === 'part') return { kind: 'polygons', polygons: [...this.shape.polygons, [ring]] };
    const polygons = this.shape.polygons.map((rings) => [...rings]);
    const host = polygons.find((rings) => holds(rings[0]!, ring[0]!)) ?? polygons[0];
    host?.push(ring);
    return { kind: 'polygons', polygons };
  }

  /** The hand has let go: what it did is one state. */
  private readonly released = (): void => {
    window.setTimeout(() => {
      if (!this.touched || this.stopped || this.tool !== 'select') return;
      this.touched = false;
      const next = this.read();
      if (next && JSON.stringify(next) !== JSON.stringify(this.shape)) this.on.changed(next);
    });
  };

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    window.removeEventListener('pointerup', this.released);
    window.removeEventListener('contextmenu', this.released);
    this.draw.stop();
  }
}

/** A circle from its ring: the middle of the box, and the distance to its rim. */
function circleOf(g: Polygon): Shape {
  const ring = g.coordinates[0]!;
  const lon = ring.map((p) => p[0]!);
  const lat = ring.map((p) => p[1]!);
  const middle = (v: number[]) => (Math.min(...v) + Math.max(...v)) / 2;
  const center = lonLat([middle(lon), middle(lat)]);
  const radius = distanceM(center, [Math.max(...lon), center[1]]);
  return { kind: 'circle', center, radiusM: Math.max(1, Math.round(radius * 10) / 10) };
}

function holds(ring: readonly LonLat[], p: LonLat): boolean {
  let odd = false;
  ring.forEach((a, i) => {
    const b = ring[(i + 1) % ring.length]!;
    if (a[1] > p[1] !== b[1] > p[1] && p[0] < ((b[0] - a[0]) * (p[1] - a[1])) / (b[1] - a[1]) + a[0]) odd = !odd;
  });
  return odd;
}
