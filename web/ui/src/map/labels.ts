// Which labels are drawn, and where. Greedy: what matters most is placed first; a
// label that would cover a symbol or another label is dropped, never shifted away.

export interface LabelWish {
  /** What the caller knows the vehicle by. */
  readonly slot: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** 0 alarmed, 1 selected, 2 followed or hovered, 3 others. */
  readonly rank: number;
}

export interface Placed {
  readonly slot: number;
  /** Of the label's top left corner, from the symbol's centre. */
  readonly dx: number;
  readonly dy: number;
}

export const MAX_LABELS = 150;
const GRID = 64;

interface Box { l: number; t: number; r: number; b: number; owner: number }

/** Buckets of boxes, so that a test looks at neighbours only. */
class Boxes {
  private readonly cells = new Map<number, Box[]>();

  private *keys(b: Box): Generator<number> {
    for (let x = Math.floor(b.l / GRID); x <= Math.floor(b.r / GRID); x++)
      for (let y = Math.floor(b.t / GRID); y <= Math.floor(b.b / GRID); y++) yield x * 65_536 + y;
  }

  add(b: Box): void {
    for (const k of this.keys(b)) {
      const cell = this.cells.get(k);
      if (cell) cell.push(b);
      else this.cells.set(k, [b]);
    }
  }

  hits(b: Box): boolean {
    for (const k of this.keys(b)) {
      for (const o of this.cells.get(k) ?? []) {
        if (o.owner !== b.owner && o.l < b.r && b.l < o.r && o.t < b.b && b.t < o.b) return true;
      }
    }
    return false;
  }
}

/**
 * Chooses labels. Obstacles are the centres of all symbols in view with their half
 * size; a wish's own symbol is no obstacle to it.
 */
export function placeLabels(
  wishes: readonly LabelWish[],
  obstacles: readonly { slot: number; x: number; y: number }[],
  half: number,
  centre: { x: number; y: number },
): Placed[] {
  const taken = new Boxes();
  for (const o of obstacles) taken.add({ l: o.x - half, t: o.y - half, r: o.x + half, b: o.y + half, owner: o.slot });
  const far = (w: LabelWish) => Math.hypot(w.x - centre.x, w.y - centre.y);
  const order = [...wishes].sort((a, b) => a.rank - b.rank || far(a) - far(b) || a.slot - b.slot);
  const out: Placed[] = [];
  for (const w of order) {
    if (out.length >= MAX_LABELS) break;
    const gap = half + 3;
    const anchors: [number, number][] = [
      [gap, -w.height / 2],
      [-gap - w.width, -w.height / 2],
      [-w.width / 2, -gap - w.height],
      [-w.width / 2, gap],
    ];
    for (const [dx, dy] of anchors) {
      const b = { l: w.x + dx, t: w.y + dy, r: w.x + dx + w.width, b: w.y + dy + w.height, owner: -1 - w.slot };
      if (taken.hits(b)) continue;
      taken.add(b);
      out.push({ slot: w.slot, dx, dy });
      break;
    }
  }
  return out;
}
