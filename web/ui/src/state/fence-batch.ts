// Several fences at once: which are chosen in the list, what is asked of all of
// them, who that concerns, and the one change in which all of it is done or nothing.

import { batch, computed, signal } from '@preact/signals';
import { ApiError } from '../api/client';
import { fences as fenceApi } from '../api/fences';
import type { Fence, FenceChange, FenceInput, FencePreview } from '../api/types';
import type { Response } from '../fence/draft';
import { alwaysInForce, scheduleOf, type ScheduleFault, type ScheduleForm } from '../fence/schedule';
import { t } from '../i18n/later';
import { announce } from './announce';
import { zoneTz } from './clock';
import { failed, fences } from './ops';

export const ACTS = ['response', 'schedule', 'delete'] as const;
export type Act = (typeof ACTS)[number];
export interface Planned { readonly fence: Fence; readonly change: FenceChange; readonly now: FencePreview }

/** Previews that are asked for at the same time. */
const AT_ONCE = 4;
/** As many as a person can look through, and the server previews in seconds. */
export const MAX_PICKED = 200;

export const picked = signal<ReadonlySet<string>>(new Set());
/** The chosen fences that still exist and may be changed by hand. */
export const chosen = computed(() => fences.value.filter((f) => picked.value.has(f.id) && f.origin.kind === 'manual'));
export const act = signal<Act | null>(null);
export const response = signal<Response>('warn');
export const schedule = signal<ScheduleForm>(alwaysInForce);
export const scheduleFaults = signal<readonly ScheduleFault[]>([]);
/** What would be published; null while it is still being put together. */
export const plan = signal<readonly Planned[] | null>(null);
export const busy = signal(false);
export const failure = signal<string | null>(null);

export function pick(f: Fence): void {
  const next = new Set(picked.peek());
  if (!next.delete(f.id) && f.origin.kind === 'manual' && next.size < MAX_PICKED) next.add(f.id);
  picked.value = next;
}

export function pickAll(on: boolean): void {
  const manual = fences.peek().filter((f) => f.origin.kind === 'manual').slice(0, MAX_PICKED);
  picked.value = new Set(on ? manual.map((f) => f.id) : []);
}

export function openBatch(a: Act): void {
  batch(() => {
    act.value = a;
    plan.value = null;
    failure.value = null;
    scheduleFaults.value = [];
  });
  if (a === 'delete') void previewBatch();
}

/** One step back: from the preview to the choice, then to the list. */
export function leaveBatch(): boolean {
  const a = act.peek();
  if (a === null) return false;
  batch(() => {
    if (plan.peek() === null || a === 'delete') act.value = null;
    plan.value = null;
    failure.value = null;
  });
  return true;
}

/** The definition that a chosen fence would have; all else is as the server sent it. */
function changed(f: Fence, a: Act): FenceInput {
  const { name, kind, geometry, radius_m, width_m, edges, floor, ceiling, applies, speed_mps, margin_m, group } = f;
  const size = { ...(radius_m === undefined ? {} : { radius_m }), ...(width_m === undefined ? {} : { width_m }) };
  return {
    name, kind, geometry, ...size, edges, floor, ceiling, applies, speed_mps, margin_m, group,
    response: a === 'response' ? response.peek() : f.response,
    schedule: a === 'schedule' ? (scheduleOf(schedule.peek(), zoneTz.peek()).schedule ?? null) : f.schedule,
  };
}

async function previewOne(f: Fence, a: Act): Promise<Planned> {
  const fence = changed(f, a);
  const change: FenceChange = a === 'delete' ? { op: 'delete', id: f.id, rev: f.rev } : { op: 'replace', id: f.id, rev: f.rev, fence };
  return { fence: f, change, now: await fenceApi.preview(fence, f.id) };
}

async function working(work: () => Promise<void>): Promise<void> {
  if (busy.peek()) return;
  busy.value = true;
  failure.value = null;
  try {
    await work();
  } catch (err) {
    failed(err);
    failure.value = err instanceof ApiError && err.status === 0 ? t('signin.network') : said(err);
  } finally {
    busy.value = false;
  }
}

/** What the server says of single changes, with the names of their fences. */
function said(err: unknown): string {
  const faults = err instanceof ApiError ? err.faults : [];
  const named = faults.slice(0, 5).map((f) => {
    const i = /changes\[(\d+)\]/.exec(f.location ?? '');
    const fence = i && plan.peek()?.[Number(i[1])]?.fence;
    return `${fence ? fence.name : (f.location ?? '')}: ${f.message}`;
  });
  return named.join('; ') || (err instanceof Error ? err.message : String(err));
}

/** Asks for every chosen fence who it concerns; nothing is changed yet. */
export function previewBatch(): Promise<void> {
  return working(async () => {
    const a = act.peek();
    if (a === null) return;
    scheduleFaults.value = a === 'schedule' ? scheduleOf(schedule.peek(), zoneTz.peek()).faults : [];
    if (scheduleFaults.peek().length > 0) return;
    const list = chosen.peek();
    const out: Planned[] = [];
    for (let i = 0; i < list.length; i += AT_ONCE) {
      out.push(...(await Promise.all(list.slice(i, i + AT_ONCE).map((f) => previewOne(f, a)))));
    }
    if (act.peek() === a) plan.value = out;
  });
}

/** The list follows by the live channel. */
export function publishBatch(): Promise<void> {
  return working(async () => {
    const p = plan.peek();
    if (!p || p.length === 0) return;
    await fenceApi.change(p.map((x) => x.change));
    announce(t('batch.done', { n: p.length }));
    batch(() => {
      act.value = null;
      plan.value = null;
      picked.value = new Set();
    });
  });
}
