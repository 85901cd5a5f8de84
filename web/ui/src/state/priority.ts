// Priority traffic as the server sees it: read each second while there is any. Where
// one is to be placed next comes from the map.

import { signal } from '@preact/signals';
import { priorityApi, type PriorityTraffic } from '../api/priority';
import type { LonLat } from '../fence/shape';
import { may } from './accounts';

export const priorities = signal<readonly PriorityTraffic[]>([]);
export const failed = signal<unknown>(null);
/** Where somebody wants to place one. */
export const placeAt = signal<LonLat | null>(null);

const BUSY_MS = 1_000;
const IDLE_MS = 5_000;

/** Reads until it is stopped. */
export function watchPriorities(): () => void {
  const stop = new AbortController();
  let timer = 0;
  const again = async () => {
    try {
      if (may('zone.read')) priorities.value = (await priorityApi.list(stop.signal)).items ?? [];
      failed.value = null;
    } catch (err) {
      if (stop.signal.aborted) return;
      failed.value = err;
    }
    if (!stop.signal.aborted) timer = window.setTimeout(() => void again(), priorities.peek().length ? BUSY_MS : IDLE_MS);
  };
  void again();
  return () => {
    stop.abort();
    window.clearTimeout(timer);
  };
}
