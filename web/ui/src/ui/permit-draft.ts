// The application that is edited: it outlives a look at another page or at the map. What
// is saved stands on the server; the checks follow the form after a pause.

import { batch, computed, effect, signal } from '@preact/signals';
import { ApiError } from '../api/client';
import { permitsApi, type Fault, type Pack, type Permit } from '../api/permits';
import { zoneTz } from '../state/clock';
import { actor } from '../state/session';
import { applicationOf, emptyForm, formOf, placeOf, type FactKinds, type InputFault, type PermitForm, type Step } from './permit-form';

const PAUSE_MS = 800;

/** null: none is edited. */
export const form = signal<PermitForm | null>(null);
/** As it was saved last; null: never. */
export const saved = signal<Permit | null>(null);
export const step = signal<Step>('what');
export const pack = signal<Pack | null>(null);
/** What the server said last against the form; null: it has not been asked. */
export const faults = signal<readonly Fault[] | null>(null);
export const checking = signal(false);
export const checkFailed = signal<unknown>(null);
/** The form differs from what is saved. */
export const dirty = signal(false);
/** Which permit's page is open; empty: the list. */
export const opened = signal('');

export const kind = computed(() => pack.value?.kinds?.find((k) => k.id === form.value?.kind) ?? null);
export const factKinds = computed<FactKinds>(() => Object.fromEntries((kind.value?.questions ?? []).map((q) => [q.fact, q.kind])));
const read = computed(() => (form.value ? applicationOf(form.value, factKinds.value, zoneTz.value) : null));
export const inputFaults = computed<readonly InputFault[]>(() => read.value?.faults ?? []);
/** The faults of the server at the places of the form. */
export const placed = computed<readonly Fault[]>(() => (faults.value ?? []).map((f) => ({ ...f, item: placeOf(f.item, read.value?.kept ?? []) })));

export function change(part: Partial<PermitForm>): void {
  const f = form.peek();
  if (!f) return;
  batch(() => {
    form.value = { ...f, ...part };
    dirty.value = true;
  });
}

export function edit(p: Permit | null, f: PermitForm = p ? formOf(p.application, zoneTz.peek()) : emptyForm()): void {
  batch(() => {
    saved.value = p;
    form.value = f;
    step.value = 'what';
    faults.value = null;
    checkFailed.value = null;
    dirty.value = false;
  });
}

export function leave(): void {
  batch(() => {
    form.value = null;
    saved.value = null;
    faults.value = null;
    dirty.value = false;
  });
}

/** Saves the form as the draft on the server; answers whether it stands there. */
export async function save(): Promise<boolean> {
  const now = read.peek();
  if (!now || now.faults.length > 0) return false;
  if (!dirty.peek() && saved.peek()) return true;
  const of = form.peek();
  const p = saved.peek();
  const got = p ? await permitsApi.save(p, now.application) : await permitsApi.begin(now.application);
  batch(() => {
    saved.value = got;
    if (form.peek() === of) dirty.value = false; // else more was typed meanwhile
  });
  return true;
}

let turn = 0;
/** Asks what speaks against the form as it is. */
export async function check(): Promise<void> {
  const now = read.peek();
  const mine = ++turn;
  if (!now || now.faults.length > 0) return;
  checking.value = true;
  try {
    const got = await permitsApi.check(now.application);
    if (mine !== turn) return;
    batch(() => {
      faults.value = got.faults ?? [];
      checkFailed.value = null;
    });
  } catch (err) {
    if (mine === turn) checkFailed.value = err;
  } finally {
    if (mine === turn) checking.value = false;
  }
}

// A pause in editing, after which it is checked. Who signs out leaves nothing behind.
let timer = 0;
effect(() => {
  void read.value;
  window.clearTimeout(timer);
  if (form.value) timer = window.setTimeout(() => void check(), PAUSE_MS);
});
effect(() => {
  void actor.value?.id;
  leave();
  opened.value = '';
});

/** Reads the rule pack that judges what is handed in now. */
export const loadPack = async (): Promise<void> => void (pack.value ??= await permitsApi.pack());

/** Somebody else saved it meanwhile. */
export const isStale = (err: unknown): boolean => err instanceof ApiError && err.status === 412;
