// Vehicles on a Canvas2D, for browsers without WebGL2: the same pictures from an
// atlas of 64 headings, for at most 2,000 vehicles. The map is locked to north up.

import type { Fleet } from '../live/fleet';
import { LOOK } from './look';
import type { MapPalette } from './palette';
import { toScreen, type DrawInput, type VehicleRenderer } from './renderer';

const HEADINGS = 64;
const CELL = 26;
const MAX_DRAWN = 2_000;

/** Outlines of the classes, nose up, in the unit square of the sprite shader. */
const OUTLINES: readonly (readonly (readonly [number, number])[])[] = [
  [[0, -0.86], [0.7, 0.82], [0, 0.34], [-0.7, 0.82]],
  [[-0.25, -0.72], [0.25, -0.72], [0.4, -0.34], [0.4, 0.72], [-0.4, 0.72], [-0.4, -0.34]],
  [[0, -0.95], [0.4, -0.06], [0.4, 0.72], [-0.4, 0.72], [-0.4, -0.06]],
  [[0, -0.65], [0.65, 0], [0, 0.65], [-0.65, 0]],
];

export class CanvasVehicles implements VehicleRenderer {
  readonly kind = 'canvas2d';
  omitted = 0;
  private fleet: Fleet | null = null;
  private looks: Float32Array = new Float32Array(0);
  private readonly ctx: CanvasRenderingContext2D;
  private readonly atlas = new Map<string, HTMLCanvasElement>();
  private atlasPalette: MapPalette | null = null;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.ctx = canvas.getContext('2d')!;
  }

  upload(fleet: Fleet, looks: Float32Array): void {
    this.fleet = fleet;
    this.looks = looks;
  }

  draw(input: DrawInput): void {
    const { camera: c, palette } = input;
    const { ctx, fleet } = this;
    const w = Math.round(c.width * c.dpr);
    const h = Math.round(c.height * c.dpr);
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    if (this.atlasPalette !== palette) {
      this.atlas.clear();
      this.atlasPalette = palette;
    }
    ctx.setTransform(c.dpr, 0, 0, c.dpr, 0, 0);
    ctx.clearRect(0, 0, c.width, c.height);
    this.omitted = 0;
    if (!fleet) return;
    if (input.trails) this.drawTrails(input, input.trails);
    if (!input.vehicles) return;
    const p = { x: 0, y: 0 };
    let drawn = 0;
    const one = (s: number) => {
      const look = this.looks[2 * s + 1]!;
      if (look & LOOK.hidden) return;
      const x = fleet.prev[2 * s]! + (fleet.next[2 * s]! - fleet.prev[2 * s]!) * input.t;
      const y = fleet.prev[2 * s + 1]! + (fleet.next[2 * s + 1]! - fleet.prev[2 * s + 1]!) * input.t;
      if (!toScreen(c, x, y, p) || p.x < -CELL || p.y < -CELL || p.x > c.width + CELL || p.y > c.height + CELL) return;
      if (drawn++ >= MAX_DRAWN) return void this.omitted++;
      const turn = Math.round((this.looks[2 * s]! / (2 * Math.PI)) * HEADINGS) % HEADINGS;
      ctx.drawImage(this.picture(look, turn, palette), p.x - CELL / 2, p.y - CELL / 2, CELL, CELL);
      if (look >> LOOK.levelShift) this.mark(look, p.x, p.y, input);
    };
    for (const s of input.marked) one(s);
    const done = new Set(input.marked);
    for (let s = 0; s < fleet.n; s++) if (!done.has(s)) one(s);
  }

  private picture(look: number, turn: number, palette: MapPalette): HTMLCanvasElement {
    const stale = (look >> LOOK.staleShift) & 3;
    const level = (look >> LOOK.levelShift) & 3;
    const phase = (look >> LOOK.phaseShift) & 7;
    const colour = stale >= 2 ? palette.old : level === 3 ? palette.danger : look & LOOK.traffic ? palette.label : stale === 1 ? palette.late : palette.phase[phase]!;
    const hollow = (look & (LOOK.unverified | LOOK.traffic)) !== 0 || stale === 3;
    const cls = look & LOOK.noHeading ? 3 : look & 3;
    const key = `${cls}|${colour}|${hollow}|${turn}`;
    let pic = this.atlas.get(key);
    if (pic) return pic;
    pic = document.createElement('canvas');
    pic.width = pic.height = 2 * CELL;
    const g = pic.getContext('2d')!;
    g.translate(CELL, CELL);
    g.rotate((turn / HEADINGS) * 2 * Math.PI);
    g.beginPath();
    for (const [x, y] of OUTLINES[cls]!) g.lineTo(x * 18, y * 18);
    g.closePath();
    g.lineJoin = 'round';
    g.strokeStyle = palette.outline;
    g.lineWidth = 8;
    g.stroke();
    g.fillStyle = hollow ? palette.core : colour;
    g.fill();
    g.strokeStyle = colour;
    g.lineWidth = 4;
    g.stroke();
    this.atlas.set(key, pic);
    return pic;
  }

  private mark(look: number, x: number, y: number, input: DrawInput): void {
    const { ctx } = this;
    const level = (look >> LOOK.levelShift) & 3;
    ctx.lineWidth = 2;
    ctx.beginPath();
    if (level > 0) {
      const corners = level === 3 ? 3 : level === 2 ? 4 : 24;
      for (let i = 0; i < corners; i++) {
        const a = (2 * Math.PI * i) / corners - Math.PI / 2;
        ctx.lineTo(x + 16 * Math.cos(a), y + 16 * Math.sin(a));
      }
      ctx.closePath();
      ctx.globalAlpha = input.flashOff && look & LOOK.flash ? 0.25 : 1;
      ctx.strokeStyle = input.palette.levels[level]!;
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    if (look & LOOK.selected) {
      ctx.strokeStyle = input.palette.select;
      ctx.strokeRect(x - 18, y - 18, 36, 36);
    }
  }

  private drawTrails(input: DrawInput, v: Float32Array): void {
    const { ctx } = this;
    const a = { x: 0, y: 0 };
    const b = { x: 0, y: 0 };
    ctx.strokeStyle = input.palette.trail;
    ctx.lineWidth = 1;
    for (let i = 0; i + 5 < v.length; i += 6) {
      if (!toScreen(input.camera, v[i]!, v[i + 1]!, a) || !toScreen(input.camera, v[i + 3]!, v[i + 4]!, b)) continue;
      ctx.globalAlpha = v[i + 2]!;
      ctx.beginPath();
      ctx.moveTo(a.x, a.y);
      ctx.lineTo(b.x, b.y);
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
  }

  destroy(): void {
    this.atlas.clear();
  }
}
