// Which alerts the list shows: all of the zone, or those of one's own sectors. What is
// critical, and what began where nobody knows, is never hidden.

import { computed, signal } from '@preact/signals';
import { concerns } from './alert-book';
import { alerts } from './ops';

/** Ids of the sectors; null: all of the zone. */
export const sectorsShown = signal<readonly string[] | null>(null);

export const shownAlerts = computed(() => alerts.value.filter((a) => concerns(a, sectorsShown.value)));
