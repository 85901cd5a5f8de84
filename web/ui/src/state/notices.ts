// Hands what the live channel tells of orders, zone, duty, coverage and notifications
// to the panels that show it.

import type { ServerMessage } from '../live/messages';

/** welcome: the connection is new, something may have been missed. */
export type Told = Extract<ServerMessage, { t: 'orders' | 'zone' | 'duty' | 'compliance' | 'coverage' | 'notifications' | 'welcome' }>;

const listeners = new Set<(m: Told) => void>();

export const tell = (m: Told): void => listeners.forEach((f) => f(m));

/** Is called with every notice until the answer is called. */
export function onNotice(f: (m: Told) => void): () => void {
  listeners.add(f);
  return () => void listeners.delete(f);
}
