// Draws the chosen labels on a Canvas2D above the vehicles. Texts are rasterised
// once and kept as small pictures; per frame they are only copied.

import type { Fleet } from '../live/fleet';
import type { LabelLevel } from '../state/prefs';
import { LOOK } from './look';
import { MAX_LABELS, placeLabels, type LabelWish, type Placed } from './labels';
import type { MapPalette } from './palette';
import type { ScreenPoint } from './pick';
import type { Camera } from './renderer';
import { drawRings } from './rings';

const FONT = '500 11px "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", system-ui, sans-serif';
const LINE = 14;
const REPLACE_MS = 250;
const MAX_PICTURES = 600;
const HALF_SYMBOL = 9;

export interface LabelText { readonly lines: readonly string[]; readonly warn: boolean }

export class LabelLayer {
  private readonly ctx: CanvasRenderingContext2D;
  private readonly pictures = new Map<string, HTMLCanvasElement>();
  private placed: (Placed & { text: LabelText })[] = [];
  private placedAt = -Infinity;
  private key = '';

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly fleet: Fleet,
    private readonly textOf: (slot: number, full: boolean) => LabelText,
  ) {
    this.ctx = canvas.getContext('2d')!;
  }

  draw(c: Camera, points: readonly ScreenPoint[], looks: Float32Array, level: LabelLevel, hovered: number, p: MapPalette, at: number): void {
    const w = Math.round(c.width * c.dpr);
    const h = Math.round(c.height * c.dpr);
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    const key = `${level}|${p.label}|${c.dpr}`;
    if (key !== this.key) {
      this.pictures.clear();
      this.key = key;
      this.placedAt = -Infinity;
    }
    if (at - this.placedAt >= REPLACE_MS) {
      this.place(c, points, looks, level, hovered);
      this.placedAt = at;
    }
    const { ctx } = this;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, w, h);
    drawRings(ctx, points, this.fleet, p, c.dpr);
    if (this.placed.length === 0) return;
    const where = new Map(points.map((s) => [s.slot, s]));
    for (const l of this.placed) {
      const s = where.get(l.slot);
      if (!s) continue;
      const pic = this.picture(l.text, p, c.dpr);
      ctx.drawImage(pic, Math.round((s.x + l.dx) * c.dpr), Math.round((s.y + l.dy) * c.dpr));
    }
  }

  private place(c: Camera, points: readonly ScreenPoint[], looks: Float32Array, level: LabelLevel, hovered: number): void {
    const all = level >= 2 && points.length <= MAX_LABELS;
    const texts = new Map<number, LabelText>();
    const wishes: LabelWish[] = [];
    this.ctx.font = FONT;
    for (const s of points) {
      const k = looks[2 * s.slot + 1]!;
      const alarmed = ((k >> LOOK.levelShift) & 3) > 0;
      const followed = (k & LOOK.followed) !== 0 || s.slot === hovered;
      const selected = (k & LOOK.selected) !== 0;
      const rank = alarmed ? 0 : selected ? 1 : followed ? 2 : 3;
      if (s.slot !== hovered && (level === 0 || (rank === 3 && !all))) continue;
      const text = this.textOf(s.slot, level === 3 || s.slot === hovered);
      texts.set(s.slot, text);
      const width = Math.ceil(Math.max(...text.lines.map((line) => this.ctx.measureText(line).width))) + 8;
      wishes.push({ slot: s.slot, x: s.x, y: s.y, width, height: LINE * text.lines.length + 2, rank });
    }
    this.placed = placeLabels(wishes, points, HALF_SYMBOL, { x: c.width / 2, y: c.height / 2 })
      .filter((l) => this.fleet.occupied(l.slot))
      .map((l) => ({ ...l, text: texts.get(l.slot)! }));
  }

  private picture(text: LabelText, p: MapPalette, dpr: number): HTMLCanvasElement {
    const key = `${text.warn}|${text.lines.join('\n')}`;
    const have = this.pictures.get(key);
    if (have) return have;
    if (this.pictures.size > MAX_PICTURES) this.pictures.clear();
    const pic = document.createElement('canvas');
    const g = pic.getContext('2d')!;
    g.font = FONT;
    const width = Math.ceil(Math.max(...text.lines.map((line) => g.measureText(line).width))) + 8;
    pic.width = Math.ceil(width * dpr);
    pic.height = Math.ceil((LINE * text.lines.length + 2) * dpr);
    g.scale(dpr, dpr);
    g.font = FONT;
    g.textBaseline = 'middle';
    g.lineJoin = 'round';
    g.lineWidth = 3;
    g.strokeStyle = p.labelHalo;
    for (const [i, line] of text.lines.entries()) {
      const y = 1 + LINE * (i + 0.5);
      g.fillStyle = text.warn && i === 0 ? p.danger : p.label;
      g.strokeText(line, 4, y);
      g.fillText(line, 4, y);
    }
    this.pictures.set(key, pic);
    return pic;
  }
}
