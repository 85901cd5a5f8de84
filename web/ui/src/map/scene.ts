// What lies above the map: vehicles, trails and labels. The scene takes frames
// from the fleet, decides when to draw, and answers what is where on the screen.

import { effect } from '@preact/signals';
import type { Fleet } from '../live/fleet';
import { dimmed, labelLevel, layers, reducedMotion, shownTheme } from '../state/prefs';
import { filter, following, hovered, isolated, selection } from '../state/view';
import { stoppedAt, vehicleAlerts } from '../state/ops';
import { announce } from '../state/announce';
import { leisure } from '../state/leisure';
import { t } from '../i18n';
import { now, since, type MonoMs, type Ms } from '../units';
import type { Annotations } from './annotations';
import { LOOK, computeLooks, type LookResult } from './look';
import { lonOf, latOf } from './mercator';
import { palettes } from './palette';
import { onScreen, pick, type ScreenPoint } from './pick';
import type { VehicleRenderer } from './renderer';
import { GlVehicles } from './vehicles-gl';
import type { MapView } from './view';
import type { Mercator } from '../units';

const ACK_LATEST = 200;
const LOST_TWICE_WITHIN = 60_000;

type Ack = (renderMs: Ms, queued: number) => void;

export class Scene {
  /** Null while the one without WebGL is on its way. */
  renderer: VehicleRenderer | null;
  looks: Float32Array = new Float32Array(512);
  result: LookResult = { marked: [], visible: 0, filteredOut: 0, flashing: false };

  /** Null until they came, after the first view. */
  private notes: Annotations | null = null;
  private readonly stops: (() => void)[] = [];
  private acks: Ack[] = [];
  private ackTimer = 0;
  private request = 0;
  private looksAt = -Infinity;
  private lastFrameAt = -Infinity as MonoMs;
  private updatedAt = -Infinity as MonoMs;
  private interval = 100;
  private drawMs = 0 as Ms;
  private uploadedVersion = -1;
  private lostAt = -Infinity;
  private segmentsAt = -Infinity;
  private segments: Float32Array | null = null;

  constructor(
    private canvas: HTMLCanvasElement,
    labelCanvas: HTMLCanvasElement,
    private readonly view: MapView,
    readonly fleet: Fleet,
    private readonly changed: (s: Scene) => void,
  ) {
    this.renderer = GlVehicles.create(canvas, () => this.refresh());
    if (!this.renderer) this.drawPlainly();
    canvas.addEventListener('webglcontextlost', this.contextLost);
    void this.annotateLater(labelCanvas);
    const timer = window.setInterval(() => this.refresh(), 250);
    this.stops.push(
      () => window.clearInterval(timer),
      effect(() => {
        void [filter.value, selection.value, following.value, isolated.value, vehicleAlerts.value, stoppedAt.value];
        void [layers.value, labelLevel.value, dimmed.value, shownTheme(), hovered.value, reducedMotion.value];
        this.refresh();
      }),
    );
  }

  private async annotateLater(labelCanvas: HTMLCanvasElement): Promise<void> {
    await leisure;
    try {
      const { annotate } = await import('./annotations');
      this.notes = await annotate(labelCanvas, this.fleet);
      this.refresh();
    } catch {
      announce(t('later.failed'), true);
    }
  }

  /** Few browsers come here, so the renderer is a chunk of its own. */
  private drawPlainly(): void {
    const { canvas } = this;
    this.renderer = null;
    this.view.lockNorthUp();
    import('./vehicles-2d').then(({ CanvasVehicles }) => {
      if (!canvas.isConnected) return;
      this.renderer = new CanvasVehicles(canvas);
      this.refresh();
    }, () => announce(t('later.failed'), true));
  }

  /** A context lost twice within a minute will be lost again: draw without it. */
  private readonly contextLost = (): void => {
    if (since(this.lostAt as MonoMs) > LOST_TWICE_WITHIN) {
      this.lostAt = now();
      return;
    }
    const plain = this.canvas.cloneNode() as HTMLCanvasElement;
    this.canvas.removeEventListener('webglcontextlost', this.contextLost);
    this.renderer?.destroy();
    this.canvas.replaceWith(plain);
    this.canvas = plain;
    this.drawPlainly();
  };

  /** A frame is in the fleet; done is called once it was drawn, or at once in a hidden tab. */
  frameArrived(done: Ack): void {
    const at = now();
    const gap = since(this.lastFrameAt, at);
    this.lastFrameAt = at;
    if (gap < 2_000) this.interval += (Math.min(1_000, Math.max(50, gap)) - this.interval) * 0.2;
    this.notes?.trails.sample(at);
    if (document.hidden) {
      done(0 as Ms, 0);
      return;
    }
    this.acks.push(done);
    this.ackTimer ||= window.setTimeout(() => this.flushAcks(), ACK_LATEST);
    this.looksAt = -Infinity;
    this.schedule();
  }

  private flushAcks(): void {
    window.clearTimeout(this.ackTimer);
    this.ackTimer = 0;
    const acks = this.acks;
    this.acks = [];
    acks.forEach((ack, i) => ack(this.drawMs, acks.length - 1 - i));
  }

  /** Looks change with time and with what the user does, not only with frames. */
  private refresh(): void {
    this.looksAt = -Infinity;
    this.schedule();
  }

  private schedule(): void {
    this.request ||= requestAnimationFrame(() => {
      this.request = 0;
      this.followCamera();
      this.draw();
    });
  }

  private mix(at: MonoMs): number {
    return reducedMotion.peek() ? 1 : Math.min(1, since(this.updatedAt, at) / this.interval);
  }

  /** Draws now; also called by the map in the same frame in which it moved. */
  draw(): void {
    const start = now();
    this.update(start);
    const t = this.mix(start);
    const camera = this.view.camera();
    if (camera.width === 0 || camera.matrix[15] === 0) return;
    const palette = palettes[shownTheme()];
    const show = layers.peek();
    this.renderer?.draw({
      camera, palette, t,
      marked: this.result.marked,
      visible: this.result.visible,
      flashOff: !reducedMotion.peek() && this.result.flashing && start % 1_000 >= 500,
      vehicles: show.vehicles,
      trails: show.trails && this.notes ? this.trailSegments(this.notes, start) : null,
    });
    const points = show.vehicles ? onScreen(this.fleet, this.looks, camera, t) : [];
    const over = hovered.peek() ? this.fleet.slotOf(this.fleet.handleOf(hovered.peek()!)) : -1;
    this.notes?.labels.draw(camera, points, this.looks, labelLevel.peek(), over, palette, start);
    this.drawMs = since(start);
    if (this.acks.length > 0) this.flushAcks();
    if (t < 1) this.schedule();
  }

  private update(at: MonoMs): void {
    if (this.looksAt !== -Infinity) return;
    this.looksAt = at;
    if (this.looks.length < 2 * this.fleet.capacity) this.looks = new Float32Array(2 * this.fleet.capacity);
    this.result = computeLooks(this.fleet, at, {
      filter: filter.peek(), selection: selection.peek(), following: following.peek(), isolated: isolated.peek(),
      alerts: vehicleAlerts.peek(), stopped: stoppedAt.peek() !== null,
    }, this.looks);
    const moved = this.uploadedVersion !== this.fleet.version;
    if (moved) {
      this.uploadedVersion = this.fleet.version;
      this.updatedAt = at;
      this.fleet.taken = true;
    }
    this.renderer?.upload(this.fleet, this.looks, moved);
    this.changed(this);
  }

  private trailSegments({ trails }: Annotations, at: number): Float32Array {
    if (!this.segments || at - this.segmentsAt > 200) {
      this.segmentsAt = at;
      this.segments = trails.segments((s) => (this.looks[2 * s + 1]! & LOOK.hidden) === 0, this.result.marked);
    }
    return this.segments;
  }

  private followCamera(): void {
    const id = following.peek();
    if (!id) return;
    const s = this.fleet.slotOf(this.fleet.handleOf(id));
    if (s < 0 || !this.fleet.hasPosition(s)) return;
    const t = this.mix(now());
    const f = this.fleet;
    const at = (i: number) => f.prev[i]! + (f.next[i]! - f.prev[i]!) * t;
    this.view.centreOn(lonOf((at(2 * s) + f.anchorX) as Mercator), latOf((at(2 * s + 1) + f.anchorY) as Mercator));
  }

  points(): ScreenPoint[] {
    return onScreen(this.fleet, this.looks, this.view.camera(), this.mix(now()));
  }

  /** The vehicle id under a point of the map, or null. */
  vehicleAt(x: number, y: number): string | null {
    const slot = pick(this.points(), this.looks, x, y);
    return slot < 0 ? null : this.fleet.id(slot) || null;
  }

  destroy(): void {
    cancelAnimationFrame(this.request);
    window.clearTimeout(this.ackTimer);
    this.canvas.removeEventListener('webglcontextlost', this.contextLost);
    for (const stop of this.stops) stop();
    this.renderer?.destroy();
  }
}
