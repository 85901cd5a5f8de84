// Watches for priority traffic beside the map, and brings what draws it, with its texts,
// when there is some: the first view does without.

import { effect } from '@preact/signals';
import type { ComponentType } from 'preact';
import { priorities, watchPriorities } from '../state/priority';

export function drawWhenAny(show: (c: ComponentType) => void): () => void {
  const stop = watchPriorities();
  let asked = false;
  const off = effect(() => {
    if (asked || priorities.value.length === 0) return;
    asked = true;
    void import('./priority-overlay').then((m) => m.ready).then(show, () => (asked = false));
  });
  return () => {
    off();
    stop();
  };
}
