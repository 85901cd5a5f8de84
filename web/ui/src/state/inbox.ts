// How much there is to read, as the bell and the list both say it.

import { signal } from '@preact/signals';

/** The server counts no further. */
export const MOST = 100;

/** Notifications that were not read; null: not known yet. */
export const unread = signal<number | null>(null);

export const counted = (n: number): string => (n >= MOST ? `${MOST - 1}+` : String(n));
