// The fence editor: which fence is edited, its draft, the stack of its shapes, and
// the way over preview to publication. The map draws what stands here and reports
// what the hand did to it.

import { batch, computed, signal } from '@preact/signals';
import { ApiError } from '../api/client';
import { fences as fenceApi } from '../api/fences';
import type { Fence, FenceInput, FencePreview } from '../api/types';
import { draftOf, fieldAt, inputOf, newDraft, type Draft, type FieldFault } from '../fence/draft';
import { pushed, redone, timeline, undone, type Timeline } from '../fence/history';
import type { LonLat, Shape } from '../fence/shape';
import type { Snapped } from '../fence/snap';
import { faultsOf, faultsOfPath, type Fault } from '../fence/validity';
import { t } from '../i18n/later';
import { announce } from './announce';
import { zoneTz } from './clock';
import { editing, mayWrite } from './modes';
import { failed as sessionCheck, fences, takeFence } from './ops';
import { fenceOpen, listsOpen, tab } from './view';

export const TOOLS = ['polygon', 'rectangle', 'circle', 'corridor', 'part', 'hole', 'select'] as const;
export type Tool = (typeof TOOLS)[number];
export type Step = 'edit' | 'preview';

export const draft = signal<Draft>(newDraft);
export const shapes = signal<Timeline<Shape | null>>(timeline(null));
export const tool = signal<Tool>('select');
export const step = signal<Step>('edit');
export const busy = signal(false);
export const faults = signal<readonly FieldFault[]>([]);
export const failure = signal<string | null>(null);
export const preview = signal<{ input: FenceInput; answer: FencePreview } | null>(null);
/** Of a publication that came too late: the fence as it is now. */
export const conflict = signal<Fence | null>(null);
export const leaving = signal(false);
/** The hand is drawn to corners, edges and guides. */
export const snapping = signal(true);
/** What the hand was drawn to last; null: nothing. */
export const snapped = signal<Snapped | null>(null);
/** A shape under the hand, not yet a state; a path is one that is still being drawn. */
export const moving = signal<{ shape: Shape | null; path: readonly LonLat[] } | null>(null);

export const shape = computed(() => shapes.value.present);
export const shapeFaults = computed<readonly Fault[]>(() => {
  if (editing.value === undefined) return [];
  const m = moving.value;
  if (m && m.path.length > 0) return faultsOfPath(m.path);
  const now = m?.shape ?? shape.value;
  return now === null && tool.value !== 'select' ? [] : faultsOf(now);
});

let opened: { draft: Draft; shape: Shape | null } = { draft: newDraft, shape: null };
export const dirty = (): boolean => draft.peek() !== opened.draft || shape.peek() !== opened.shape;

function open(f: Fence | null, d: Draft, s: Shape | null, first: Tool): void {
  opened = { draft: d, shape: s };
  batch(() => {
    editing.value = f;
    draft.value = d;
    shapes.value = timeline(s);
    tool.value = first;
    step.value = 'edit';
    faults.value = [];
    failure.value = null;
    preview.value = null;
    conflict.value = null;
    leaving.value = false;
    moving.value = null;
    tab.value = 'fences';
    listsOpen.value = true;
    if (f) fenceOpen.value = f.id;
  });
}

export function newFence(): void {
  if (mayWrite.peek()) open(null, newDraft, null, 'polygon');
}

export function editFence(f: Fence): void {
  if (!mayWrite.peek() || f.origin.kind !== 'manual') return;
  const { draft: d, shape: s } = draftOf(f, zoneTz.peek());
  open(f, d, s, 'select');
}

export function closeEditor(): void {
  batch(() => {
    editing.value = undefined;
    snapped.value = null;
    moving.value = null;
    leaving.value = false;
    preview.value = null;
  });
}

/** Leaves the editor; with changes only when asked twice. */
export function leaveEditor(): void {
  if (dirty() && !leaving.peek()) leaving.value = true;
  else closeEditor();
}

/** One step back for Escape: the tool, the preview, then the editor. */
export function escapeEditor(): boolean {
  if (editing.peek() === undefined) return false;
  if (leaving.peek()) leaving.value = false;
  else if (conflict.peek()) conflict.value = null;
  else if (step.peek() === 'preview') step.value = 'edit';
  else if (tool.peek() !== 'select' && (moving.peek() !== null || shape.peek() !== null)) chooseTool('select');
  else leaveEditor();
  return true;
}

export function chooseTool(next: Tool): void {
  batch(() => {
    moving.value = null;
    snapped.value = null;
    tool.value = next;
  });
}

export function toggleSnapping(): void {
  batch(() => {
    snapping.value = !snapping.peek();
    snapped.value = null;
  });
}

export function setDraft(change: Partial<Draft>): void {
  batch(() => {
    draft.value = { ...draft.peek(), ...change };
    const touched = new Set<string>(Object.keys(change));
    const who = ['operators', 'vehicles', 'permits', 'exemptOperators', 'exemptVehicles', 'exemptPermits'].some((k) => touched.has(k));
    faults.value = faults.peek().filter((f) => f.field !== null && !touched.has(f.field) && !(f.field === 'who' && who));
    leaving.value = false;
  });
}

export function setShape(s: Shape | null): void {
  batch(() => {
    moving.value = null;
    snapped.value = null;
    shapes.value = pushed(shapes.peek(), s);
    faults.value = faults.peek().filter((f) => f.field !== 'shape');
    leaving.value = false;
  });
}

export function undo(): void {
  batch(() => {
    moving.value = null;
    shapes.value = undone(shapes.peek());
  });
}

export function redo(): void {
  batch(() => {
    moving.value = null;
    shapes.value = redone(shapes.peek());
  });
}

function failed(err: unknown): void {
  sessionCheck(err);
  const e = err instanceof ApiError ? err : null;
  const said = (e?.faults ?? []).map((f): FieldFault => ({ field: fieldAt(f.location), text: f.message, at: f.location }));
  batch(() => {
    step.value = 'edit';
    faults.value = said;
    failure.value = said.length > 0 ? t('editor.refused') : e?.status === 0 ? t('signin.network') : err instanceof Error ? err.message : String(err);
  });
}

async function working<T>(work: () => Promise<T>): Promise<T | undefined> {
  if (busy.peek()) return undefined;
  busy.value = true;
  failure.value = null;
  try {
    return await work();
  } catch (err) {
    failed(err);
    return undefined;
  } finally {
    busy.value = false;
  }
}

/** Asks who stands in the fence; nothing is changed yet. */
export async function showPreview(): Promise<void> {
  const s = shape.peek();
  const wrong = faultsOf(s);
  if (!s || wrong.length > 0) {
    // Also while a tool is in hand and the empty shape is no fault yet.
    batch(() => {
      chooseTool('select');
      failure.value = t('editor.shapeFirst');
    });
    return;
  }
  const { input, faults: found } = inputOf(draft.peek(), s, zoneTz.peek());
  faults.value = found;
  if (found.length > 0) {
    failure.value = t('editor.refused');
    return;
  }
  await working(async () => {
    const answer = await fenceApi.preview(input, editing.peek()?.id);
    batch(() => {
      preview.value = { input, answer };
      step.value = 'preview';
      tool.value = 'select';
      moving.value = null;
    });
  });
}

export async function publish(): Promise<void> {
  const input = preview.peek()?.input;
  const base = editing.peek();
  if (!input || base === undefined) return;
  await working(async () => {
    try {
      const f = base ? await fenceApi.replace(base.id, base.rev, input) : await fenceApi.create(input);
      takeFence(f);
      closeEditor();
      fenceOpen.value = f.id;
      announce(t('editor.published', { name: f.name }));
    } catch (err) {
      if (!(err instanceof ApiError && err.status === 412 && base)) throw err;
      conflict.value = await fenceApi.get(base.id);
    }
  });
}

/** After a conflict: start again from the server's fence, or keep the draft on top of it. */
export function settle(keepMine: boolean): void {
  const theirs = conflict.peek();
  if (!theirs) return;
  if (!keepMine) return editFence(theirs);
  batch(() => {
    editing.value = theirs;
    conflict.value = null;
    step.value = 'edit';
  });
  void showPreview();
}

export const fenceNow = (id: string): Fence | undefined => fences.peek().find((f) => f.id === id);
