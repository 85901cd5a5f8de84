// Import of fences from a file: always tried first; what the trial reports is then
// published as one change or not at all.

import { batch, signal } from '@preact/signals';
import { ApiError } from '../api/client';
import { fences as fenceApi, type FileFormat } from '../api/fences';
import type { ImportReport } from '../api/types';
import { t } from '../i18n/later';
import { announce } from './announce';
import { failed } from './ops';

export const MAX_BYTES = 8 << 20;

export const importing = signal(false);
export const file = signal<File | null>(null);
export const report = signal<ImportReport | null>(null);
/** How many fences were made of it; null before. */
export const created = signal<number | null>(null);
export const busy = signal(false);
export const failure = signal<string | null>(null);

export const formatOf = (name: string): FileFormat => (/\.kml$/i.test(name) ? 'kml' : 'geojson');
export const usable = (r: ImportReport): number => (r.report ?? []).filter((x) => x.result !== 'refused').length;

export function closeImport(): boolean {
  if (!importing.peek()) return false;
  batch(() => {
    importing.value = false;
    file.value = null;
    report.value = null;
    created.value = null;
    failure.value = null;
  });
  return true;
}

async function send(dryRun: boolean): Promise<void> {
  const f = file.peek();
  if (!f || busy.peek()) return;
  busy.value = true;
  failure.value = null;
  try {
    const r = await fenceApi.import(f, formatOf(f.name), dryRun);
    batch(() => {
      report.value = r;
      created.value = dryRun ? null : (r.created ?? []).length;
    });
    if (!dryRun) announce(t('import.done', { n: (r.created ?? []).length }));
  } catch (err) {
    failed(err);
    const e = err instanceof ApiError ? err : null;
    const said = (e?.faults ?? []).slice(0, 5).map((x) => `${x.location ?? ''} ${x.message}`.trim()).join('; ');
    failure.value = said || (e?.status === 0 ? t('signin.network') : err instanceof Error ? err.message : String(err));
  } finally {
    busy.value = false;
  }
}

export function tryFile(f: File | null): void {
  batch(() => {
    file.value = f;
    report.value = null;
    created.value = null;
    failure.value = f && f.size > MAX_BYTES ? t('import.tooLarge') : null;
  });
  if (f && f.size <= MAX_BYTES) void send(true);
}

export const publishImport = (): Promise<void> => send(false);
