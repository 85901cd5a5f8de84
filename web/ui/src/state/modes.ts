// What the whole page must know of the fence editor, whose chunk comes when the
// fences are first opened.

import { computed, signal } from '@preact/signals';
import type { Fence } from '../api/types';
import { actor } from './session';

/** The fence that is edited; null for a new one, undefined while nothing is edited. */
export const editing = signal<Fence | null | undefined>(undefined);
export const mayWrite = computed(() => actor.value?.scopes.includes('fence.write') ?? false);

const leavers: (() => boolean)[] = [];

/** Adds what Escape leaves, after what was added before; it answers whether there was something. */
export const onLeave = (leave: () => boolean): void => void leavers.push(leave);

/** One step back out of a mode. */
export const leaveMode = (): boolean => leavers.some((leave) => leave());
