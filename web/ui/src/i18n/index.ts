// Texts by key in the language of the user. A missing key, a key too many or a
// missing parameter is a compile error.

import { signal } from '@preact/signals';
import { en } from './en';
import { zh } from './zh';

export type Lang = 'zh-CN' | 'en';
export type Key = keyof typeof en;
export type Messages = Record<Key, string>;

/** The names between braces in a text. */
type Names<S extends string> = S extends `${string}{${infer P}}${infer Rest}` ? P | Names<Rest> : never;
type Args<K extends Key> = [Names<(typeof en)[K]>] extends [never]
  ? []
  : [params: Record<Names<(typeof en)[K]>, string | number>];

const texts: Record<Lang, Messages> = { 'zh-CN': zh, en };

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

const fill = (text: string, params: Record<string, string | number> | undefined) =>
  params ? text.replace(/\{(\w+)\}/g, (all, name: string) => String(params[name] ?? all)) : text;

export function t<K extends Key>(key: K, ...args: Args<K>): string {
  return fill(texts[lang.value][key], args[0]);
}

type PluralBase = Key extends infer K ? (K extends `${infer B}.other` ? B : never) : never;

/** A text with a count; its forms are the keys `<base>.one` and `<base>.other`. */
export function plural(base: PluralBase, n: number): string {
  const form = new Intl.PluralRules(lang.value).select(n) === 'one' ? 'one' : 'other';
  return fill(texts[lang.value][`${base}.${form}` as Key], { n: formatNumber(n) });
}

/** The text for a code that the server sent; the code itself if we do not know it. */
export function code(prefix: string, value: string): string {
  return (texts[lang.value] as Record<string, string>)[`${prefix}.${value}`] ?? value;
}

export function formatNumber(n: number, digits = 0): string {
  return new Intl.NumberFormat(lang.value, { signDisplay: 'negative', minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n);
}

export const allTexts = texts;
