// The fences that were taken away; each can be brought back from its versions.

import { batch, signal } from '@preact/signals';
import { fences as fenceApi } from '../api/fences';
import type { Fence } from '../api/types';
import { failed } from './ops';

export const deletedOpen = signal(false);
/** Newest deletion first; null while they are read. */
export const deleted = signal<readonly Fence[] | null>(null);
export const failure = signal<string | null>(null);

export async function openDeleted(): Promise<void> {
  batch(() => {
    deletedOpen.value = true;
    deleted.value = null;
    failure.value = null;
  });
  try {
    const all = await fenceApi.deleted();
    deleted.value = all.sort((a, b) => b.updated_at.localeCompare(a.updated_at));
  } catch (err) {
    failed(err);
    failure.value = err instanceof Error ? err.message : String(err);
  }
}

export function closeDeleted(): boolean {
  const was = deletedOpen.peek();
  deletedOpen.value = false;
  return was;
}
