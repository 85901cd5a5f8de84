// What can be done with a published fence besides editing it: look at its versions,
// restore one, take it away.

import { batch, signal } from '@preact/signals';
import { ApiError } from '../api/client';
import { fences as fenceApi } from '../api/fences';
import type { Fence, FenceVersion } from '../api/types';
import { t } from '../i18n/later';
import { announce } from './announce';
import { dropFence, failed, takeFence } from './ops';
import { fenceOpen } from './view';

/** The fence whose versions are shown; a deleted one too. */
export const versionsOf = signal<{ id: string; name: string } | null>(null);
export const versions = signal<readonly FenceVersion[] | null>(null);
/** The revision that is compared with the newest one. */
export const chosen = signal<number | null>(null);
export const removing = signal<string | null>(null);
/** The last fence that was taken away here: it can be brought back. */
export const removed = signal<{ id: string; name: string } | null>(null);
export const busy = signal(false);
export const failure = signal<string | null>(null);

async function working(work: () => Promise<void>): Promise<void> {
  if (busy.peek()) return;
  busy.value = true;
  failure.value = null;
  try {
    await work();
  } catch (err) {
    failed(err);
    const e = err instanceof ApiError ? err : null;
    failure.value = e?.status === 412 ? t('versions.stale') : e?.status === 0 ? t('signin.network') : err instanceof Error ? err.message : String(err);
  } finally {
    busy.value = false;
  }
}

const load = async (id: string): Promise<void> => {
  const items = await fenceApi.versions(id);
  if (versionsOf.peek()?.id === id) versions.value = [...items].sort((a, b) => b.rev - a.rev);
};

export function openVersions(f: { id: string; name: string }): void {
  batch(() => {
    versionsOf.value = { id: f.id, name: f.name };
    versions.value = null;
    chosen.value = null;
    failure.value = null;
  });
  void working(() => load(f.id));
}

export function closeVersions(): boolean {
  if (versionsOf.peek() === null) return false;
  versionsOf.value = null;
  return true;
}

export function restore(rev: number): Promise<void> {
  return working(async () => {
    const of = versionsOf.peek();
    const newest = versions.peek()?.[0];
    if (!of || !newest) return;
    const f = await fenceApi.restore(of.id, newest.rev, rev);
    takeFence(f);
    batch(() => {
      fenceOpen.value = f.id;
      chosen.value = null;
      if (removed.peek()?.id === f.id) removed.value = null;
    });
    announce(t('versions.restored', { name: f.name, rev }));
    await load(of.id);
  });
}

export function remove(f: Fence): Promise<void> {
  return working(async () => {
    await fenceApi.delete(f.id, f.rev);
    dropFence(f.id);
    batch(() => {
      removing.value = null;
      removed.value = { id: f.id, name: f.name };
      if (fenceOpen.peek() === f.id) fenceOpen.value = null;
    });
    announce(t('remove.done', { name: f.name }));
  });
}
