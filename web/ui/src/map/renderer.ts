// What both vehicle renderers promise to the scene.

import type { Fleet } from '../live/fleet';
import type { MapPalette } from './palette';

/** The camera of one drawing: normalised Mercator to clip space, in double precision. */
export interface Camera {
  readonly matrix: Float64Array;
  readonly width: number;
  readonly height: number;
  readonly dpr: number;
  /** Radians, clockwise. */
  readonly bearing: number;
}

export interface DrawInput {
  readonly camera: Camera;
  readonly palette: MapPalette;
  /** 0..1 between the previous and the newest position. */
  readonly t: number;
  readonly marked: readonly number[];
  readonly visible: number;
  readonly flashOff: boolean;
  readonly vehicles: boolean;
  readonly trails: Float32Array | null;
}

export interface VehicleRenderer {
  readonly kind: 'webgl2' | 'canvas2d';
  /** How many vehicles it left out of the last drawing. */
  readonly omitted: number;
  /** Takes new positions and looks from the fleet. */
  upload(fleet: Fleet, looks: Float32Array, positionsChanged: boolean): void;
  draw(input: DrawInput): void;
  destroy(): void;
}

/** Sizes of a vehicle symbol in CSS px, by how many are shown. */
export const symbolSize = (visible: number): number => (visible > 5_000 ? 5 : visible > 1_000 ? 14 : 20);
export const MARK_SIZE = 40;

/** Clip space of a Mercator point that is given relative to an anchor. */
export function toScreen(c: Camera, x: number, y: number, out: { x: number; y: number }): boolean {
  const m = c.matrix;
  const w = m[3]! * x + m[7]! * y + m[15]!;
  if (w <= 0) return false;
  out.x = (((m[0]! * x + m[4]! * y + m[12]!) / w) * 0.5 + 0.5) * c.width;
  out.y = (0.5 - ((m[1]! * x + m[5]! * y + m[13]!) / w) * 0.5) * c.height;
  return true;
}

/** The matrix with the anchor folded into its translation, in double precision. */
export function anchored(m: ArrayLike<number>, ax: number, ay: number): Float64Array {
  const out = Float64Array.from(m);
  for (let i = 0; i < 4; i++) out[12 + i] = m[i]! * ax + m[4 + i]! * ay + m[12 + i]!;
  return out;
}
