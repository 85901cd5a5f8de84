// What the user looks at: selection, filter, modes. Filter and selection are in
// the URL, so that a view can be sent to a colleague or opened in a new tab.

import { effect, signal } from '@preact/signals';
import { CLASSES, type ClassName } from '../live/fleet';

export type StateFilter = '' | 'alarm' | 'unverified' | 'stale' | string;
export interface Filter { q: string; cls: '' | ClassName; state: StateFilter; all: boolean }
export type Tab = 'vehicles' | 'fences' | 'events';
export type SortKey = 'class' | 'name' | 'state' | 'alt' | 'speed' | 'batt' | 'age';
export interface Sort { key: SortKey; down: boolean }

const url = new URLSearchParams(location.search);
const cls = url.get('class') ?? '';

export const filter = signal<Filter>({
  q: url.get('q') ?? '',
  cls: (CLASSES as readonly string[]).includes(cls) ? (cls as ClassName) : '',
  state: url.get('state') ?? '',
  all: url.get('view') === 'all',
});
export const selection = signal<readonly string[]>((url.get('sel') ?? '').split(',').filter(Boolean));
export const sort = signal<Sort>({ key: 'name', down: false });
export const tab = signal<Tab>('vehicles');
export const following = signal<string | null>(null);
export const isolated = signal(false);
export const hovered = signal<string | null>(null);
export const alertOpen = signal<string | null>(null);
export const fenceOpen = signal<string | null>(null);
/** The menu of a place on the map, at these pixels of the map pane. */
export const mapMenu = signal<{ x: number; y: number; at: readonly [number, number]; fence: string | null } | null>(null);
export const helpOpen = signal(false);
/** The search field takes the focus when the vehicle list comes. */
export const searchWanted = signal(false);
/** Accounts and audit, in the place of lists and map. */
export const deskOpen = signal(false);
export const layersOpen = signal(false);
/** The coverage layer of the map. */
export const coverageShown = signal(false);
export const listsOpen = signal(false);

export function setFilter(change: Partial<Filter>): void {
  filter.value = { ...filter.value, ...change };
}

/** Selects one vehicle, or with add toggles it in the selection. */
export function select(id: string, add = false): void {
  const had = selection.value.includes(id);
  if (!add) selection.value = [id];
  else selection.value = had ? selection.value.filter((s) => s !== id) : [...selection.value, id].slice(-4);
  if (following.value && !selection.value.includes(following.value)) following.value = null;
}

export function toggleFollow(id: string): void {
  following.value = following.value === id ? null : id;
}

/** One step back: the mode first, then what is open, then the selection. */
export function escape(): boolean {
  const steps: [boolean, () => void][] = [
    [helpOpen.value, () => (helpOpen.value = false)],
    [mapMenu.value !== null, () => (mapMenu.value = null)],
    [deskOpen.value, () => (deskOpen.value = false)],
    [layersOpen.value, () => (layersOpen.value = false)],
    [following.value !== null, () => (following.value = null)],
    [isolated.value, () => (isolated.value = false)],
    [alertOpen.value !== null, () => (alertOpen.value = null)],
    [fenceOpen.value !== null, () => (fenceOpen.value = null)],
    [listsOpen.value, () => (listsOpen.value = false)],
    [selection.value.length > 0, () => (selection.value = [])],
  ];
  const step = steps.find(([active]) => active);
  step?.[1]();
  return step !== undefined;
}

/** The address of the page with this view. */
export function viewHref(f: Filter, sel: readonly string[]): string {
  const p = new URLSearchParams(location.search);
  const put = (key: string, value: string) => (value ? p.set(key, value) : p.delete(key));
  put('q', f.q);
  put('class', f.cls);
  put('state', f.state);
  put('view', f.all ? 'all' : '');
  put('sel', sel.join(','));
  const query = p.toString();
  return location.pathname + (query ? `?${query}` : '');
}

export function bindUrl(): void {
  effect(() => history.replaceState(null, '', viewHref(filter.value, selection.value)));
}
