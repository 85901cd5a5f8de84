// Texts by key in the language of the user. A missing key, a key too many or a
// missing parameter is a compile error.

import { signal } from '@preact/signals';
import type { en } from './en';

export type Lang = 'zh-CN' | 'en';
export type Key = keyof typeof en;
export type Messages = Record<Key, string>;
/** What is loaded at once, and what comes with the panels that need it. */
export type Part = 'page' | 'list' | 'fences' | 'panels' | 'accounts' | 'vehicles' | 'sites' | 'reviews' | 'permits';

/** The names between braces in a text. */
type Names<S> = S extends `${string}{${infer P}}${infer Rest}` ? P | Names<Rest> : never;
type Params<S> = [Names<S>] extends [never] ? [] : [params: Record<Names<S>, string | number>];
/** Texts of a catalogue, by key. */
export type Translate<C> = <K extends keyof C & string>(key: K, ...args: Params<C[K]>) => string;
type Counted<C> = keyof C extends infer K ? (K extends `${infer B}.other` ? B : never) : never;
export type Plural<C> = (base: Counted<C>, n: number) => string;

const catalogues: Record<Lang, Record<Part, () => Promise<Readonly<Record<string, string>>>>> = {
  'zh-CN': {
    page: () => import('./zh').then((m) => m.zh),
    list: () => import('./zh-list').then((m) => m.zhList),
    fences: () => import('./zh-fences').then((m) => m.zhFences),
    panels: () => import('./zh-panels').then((m) => m.zhPanels),
    accounts: () => import('./zh-accounts').then((m) => m.zhAccounts),
    vehicles: () => import('./zh-vehicles').then((m) => m.zhVehicles),
    sites: () => import('./zh-sites').then((m) => m.zhSites),
    reviews: () => import('./zh-reviews').then((m) => m.zhReviews),
    permits: () => import('./zh-permits').then((m) => m.zhPermits),
  },
  en: {
    page: () => import('./en').then((m) => m.en),
    list: () => import('./en-list').then((m) => m.enList),
    fences: () => import('./en-fences').then((m) => m.enFences),
    panels: () => import('./en-panels').then((m) => m.enPanels),
    accounts: () => import('./en-accounts').then((m) => m.enAccounts),
    vehicles: () => import('./en-vehicles').then((m) => m.enVehicles),
    sites: () => import('./en-sites').then((m) => m.enSites),
    reviews: () => import('./en-reviews').then((m) => m.enReviews),
    permits: () => import('./en-permits').then((m) => m.enPermits),
  },
};
const texts: Record<Lang, Map<Part, Readonly<Record<string, string>>>> = { 'zh-CN': new Map(), en: new Map() };
const wanted = new Set<Part>(['page']);

async function load(l: Lang): Promise<void> {
  const missing = [...wanted].filter((part) => !texts[l].has(part));
  await Promise.all(missing.map(async (part) => texts[l].set(part, await catalogues[l][part]())));
}

/** The language of the first visit: of the browser if we have it, else Chinese. */
export function firstLang(stored: string | null, wanted: readonly string[]): Lang {
  if (stored === 'en' || stored === 'zh-CN') return stored;
  for (const w of wanted) {
    if (w.toLowerCase().startsWith('zh')) return 'zh-CN';
    if (w.toLowerCase().startsWith('en')) return 'en';
  }
  return 'zh-CN';
}

export const lang = signal<Lang>('zh-CN');

/** Shows another language once its texts are there; needed once before the first text. */
export async function setLang(next: Lang): Promise<void> {
  await load(next);
  lang.value = next;
}

/** Brings the texts of these parts, in this language and in every one that is chosen later. */
export async function needTexts(...parts: Part[]): Promise<void> {
  for (const part of parts) wanted.add(part);
  await load(lang.peek());
}

function text(key: string): string | undefined {
  for (const part of texts[lang.value].values()) if (Object.hasOwn(part, key)) return part[key];
  return undefined;
}

const fill = (text: string, params: Record<string, string | number> | undefined) =>
  params ? text.replace(/\{(\w+)\}/g, (all, name: string) => String(params[name] ?? all)) : text;

export const t: Translate<typeof en> = (key, ...args) => fill(text(key) ?? key, args[0]);

/** A text with a count; its forms are the keys `<base>.one` and `<base>.other`. */
export const plural: Plural<typeof en> = (base, n) => {
  const form = new Intl.PluralRules(lang.value).select(n) === 'one' ? 'one' : 'other';
  return fill(text(`${base}.${form}`) ?? '{n}', { n: formatNumber(n) });
};

/** The text for a code that the server sent; the code itself if we do not know it. */
export function code(prefix: string, value: string): string {
  return text(`${prefix}.${value}`) ?? value;
}

export function formatNumber(n: number, digits = 0): string {
  return new Intl.NumberFormat(lang.value, { signDisplay: 'negative', minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n);
}
