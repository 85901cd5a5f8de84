// Reconnect delays: doubling from 0.25 s to 10 s with full jitter, so that the
// clients of a restarted server do not all come back in the same instant.

import type { Ms } from '../units';

export const BACKOFF_FIRST = 250 as Ms;
export const BACKOFF_MAX = 10_000 as Ms;

export class Backoff {
  private attempt = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** The ceiling of the next delay. */
  get ceiling(): Ms {
    return Math.min(BACKOFF_MAX, BACKOFF_FIRST * 2 ** this.attempt) as Ms;
  }

  next(): Ms {
    const delay = Math.floor(this.random() * this.ceiling) as Ms;
    if (BACKOFF_FIRST * 2 ** this.attempt < BACKOFF_MAX) this.attempt++;
    return delay;
  }

  reset(): void {
    this.attempt = 0;
  }
}
