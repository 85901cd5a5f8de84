// What a user prefers, kept in this browser. Nothing here is a secret.

import { effect, signal, type Signal } from '@preact/signals';
import { firstLang, lang, setLang, t } from '../i18n';

export type Theme = 'system' | 'dark' | 'light';
export const LAYERS = [
  'fences', 'vehicles', 'trails', 'names', 'boundary', 'roads', 'channels', 'pads', 'graticule',
] as const;
export type LayerKey = (typeof LAYERS)[number];
export type LayerState = Record<LayerKey, boolean>;
export type LabelLevel = 0 | 1 | 2 | 3;

function read<T>(key: string, fallback: T, ok: (v: unknown) => v is T): T {
  try {
    const v: unknown = JSON.parse(localStorage.getItem(`tz.${key}`) ?? 'null');
    return ok(v) ? v : fallback;
  } catch {
    return fallback;
  }
}

function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(`tz.${key}`, JSON.stringify(value));
  } catch {
    // A browser without storage forgets; that is all.
  }
}

function kept<T>(key: string, fallback: T, ok: (v: unknown) => v is T): Signal<T> {
  const s = signal(read(key, fallback, ok));
  effect(() => write(key, s.value));
  return s;
}

const isBoolean = (v: unknown): v is boolean => typeof v === 'boolean';
const isTheme = (v: unknown): v is Theme => v === 'system' || v === 'dark' || v === 'light';
const isLevel = (v: unknown): v is LabelLevel => v === 0 || v === 1 || v === 2 || v === 3;
const isLayers = (v: unknown): v is LayerState =>
  typeof v === 'object' && v !== null && LAYERS.every((k) => isBoolean((v as LayerState)[k]));

const allOn = Object.fromEntries(LAYERS.map((k) => [k, true])) as LayerState;

export const theme = kept<Theme>('theme', 'system', isTheme);
export const layers = kept<LayerState>('layers', allOn, isLayers);
export const labelLevel = kept<LabelLevel>('labels', 2, isLevel);
/** The sectors of the zone over the map. */
export const sectorLayer = kept<boolean>('sectors', true, isBoolean);
export const dimmed = kept<boolean>('dim', false, isBoolean);
export const shortcutsOn = kept<boolean>('shortcuts', true, isBoolean);
/** Sign in by login name and password; else by token. */
export const byPassword = kept<boolean>('byPassword', false, isBoolean);
/** A hint that a session cookie may exist, so that a first visit asks for nothing. */
export const wasSignedIn = kept<boolean>('signedIn', false, isBoolean);

const systemDark = window.matchMedia('(prefers-color-scheme: dark)');
const systemTheme = signal<'dark' | 'light'>(systemDark.matches ? 'dark' : 'light');
systemDark.addEventListener('change', (e) => (systemTheme.value = e.matches ? 'dark' : 'light'));

const motion = window.matchMedia('(prefers-reduced-motion: reduce)');
export const reducedMotion = signal(motion.matches);
motion.addEventListener('change', (e) => (reducedMotion.value = e.matches));

/** The theme that is shown. */
export const shownTheme = (): 'dark' | 'light' => (theme.value === 'system' ? systemTheme.value : theme.value);

export const toggleLayer = (k: LayerKey): void => {
  layers.value = { ...layers.value, [k]: !layers.value[k] };
};

/** Loads the language, then keeps <html> in step with language and theme. */
export async function bindDocument(): Promise<void> {
  await setLang(firstLang(read<string | null>('lang', null, (v): v is string => typeof v === 'string'), navigator.languages));
  effect(() => {
    document.documentElement.lang = lang.value;
    document.title = t('app.title');
    write('lang', lang.value);
  });
  effect(() => {
    document.documentElement.dataset.theme = shownTheme();
  });
}
