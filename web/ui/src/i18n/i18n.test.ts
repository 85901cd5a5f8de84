import { describe, expect, it } from 'vitest';
import { allTexts, code, firstLang, lang, plural, t, type Key } from './index';

const keys = Object.keys(allTexts.en) as Key[];
const names = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

describe('both languages are complete', () => {
  it('have the same keys', () => {
    expect(Object.keys(allTexts['zh-CN']).sort()).toEqual([...keys].sort());
  });
  it.each(keys)('%s: no empty text, the same parameters', (k) => {
    expect(allTexts.en[k].trim()).not.toBe('');
    expect(allTexts['zh-CN'][k].trim()).not.toBe('');
    expect(names(allTexts['zh-CN'][k])).toEqual(names(allTexts.en[k]));
  });
  it('Chinese texts are Chinese', () => {
    const latin = new Set<Key>(['lang.switch', 'app.title', 'alert.times', 'announce.alert']);
    const bare = keys.filter((k) => !latin.has(k) && !/[\u4e00-\u9fff]/.test(allTexts['zh-CN'][k]));
    expect(bare).toEqual([]);
  });
});

describe('use', () => {
  it('fills parameters, counts, and shows unknown codes as they are', () => {
    lang.value = 'en';
    expect(t('link.refused', { code: 4403 })).toBe('Refused (4403)');
    expect([plural('vehicles', 1), plural('vehicles', 1200)]).toEqual(['1 vehicle', '1,200 vehicles']);
    expect(code('alert.type', 'fence_breach')).toBe('Fence breach');
    expect(code('alert.type', 'new_kind')).toBe('new_kind');
    lang.value = 'zh-CN';
    expect(plural('vehicles', 2)).toBe('2 台');
  });
  it.each([
    [null, ['fr', 'en-GB'], 'en'], [null, ['zh-TW', 'en'], 'zh-CN'], [null, ['fr'], 'zh-CN'],
    ['en', ['zh-CN'], 'en'], ['xx', ['en'], 'en'],
  ] as const)('first language: stored %s, wanted %s', (stored, wanted, want) => {
    expect(firstLang(stored, wanted)).toBe(want);
  });
});
