// What the whole page must know of the fence editor and of the emergency fence,
// whose chunks come later.

import { batch, computed, signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import type { Fence } from '../api/types';
import { lattice, type LonLat } from '../fence/shape';
import { t } from '../i18n';
import { announce } from './announce';
import { actor } from './session';

/** The fence that is edited; null for a new one, undefined while nothing is edited. */
export const editing = signal<Fence | null | undefined>(undefined);
export const mayWrite = computed(() => actor.value?.scopes.includes('fence.write') ?? false);

/** A place for an emergency fence is being chosen on the map. */
export const placing = signal(false);
/** The chosen place; null: none. */
export const place = signal<LonLat | null>(null);

/** Who wants the next place that is pointed at on the map; null: nobody. */
export const picking = signal<((at: LonLat) => void) | null>(null);

/** What is drawn over the map by a mode whose chunk came later. */
export const overMap = signal<ComponentType | null>(null);

/** Counts the emergency fences that were begun. */
export const begun = signal(0);

/** The next click on the map is the place, whether the rest of it is loaded or not. */
export function startEmergency(at: LonLat | null = null): void {
  if (!mayWrite.peek()) return announce(t('editor.noRight'));
  if (editing.peek() !== undefined) return announce(t('emergency.leaveEditor'));
  batch(() => {
    begun.value++;
    placing.value = at === null;
    place.value = null;
    picking.value = null;
  });
  if (at) putEmergency(at);
  else announce(t('emergency.place'));
}

export function putEmergency(at: LonLat): void {
  batch(() => {
    placing.value = false;
    place.value = [lattice(at[0]), lattice(at[1])];
  });
}

export function endEmergency(): boolean {
  if (!placing.peek() && place.peek() === null) return false;
  batch(() => {
    placing.value = false;
    place.value = null;
  });
  return true;
}

const leavers: (() => boolean)[] = [];

/** Adds what Escape leaves, after what was added before; it answers whether there was something. */
export const onLeave = (leave: () => boolean): void => void leavers.push(leave);

/** One step back out of a mode. */
export const leaveMode = (): boolean => leavers.some((leave) => leave());
