import { describe, expect, it } from 'vitest';
import { en as enPage } from './en';
import { enAccounts } from './en-accounts';
import { enFences } from './en-fences';
import { enList } from './en-list';
import { enPanels } from './en-panels';
import { enPermits } from './en-permits';
import { enVehicles } from './en-vehicles';
import { code, firstLang, needTexts, plural, setLang, t } from './index';
import { zh as zhPage } from './zh';
import { zhAccounts } from './zh-accounts';
import { zhFences } from './zh-fences';
import { zhList } from './zh-list';
import { zhPanels } from './zh-panels';
import { zhPermits } from './zh-permits';
import { zhVehicles } from './zh-vehicles';

const en = { ...enPage, ...enList, ...enFences, ...enPanels, ...enAccounts, ...enVehicles, ...enPermits };
const zh = { ...zhPage, ...zhList, ...zhFences, ...zhPanels, ...zhAccounts, ...zhVehicles, ...zhPermits };
type Key = keyof typeof en;
const keys = Object.keys(en) as Key[];
const names = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

describe('both languages are complete', () => {
  it('have the same keys', () => {
    expect(Object.keys(zh).sort()).toEqual([...keys].sort());
  });
  it.each(keys)('%s: no empty text, the same parameters', (k) => {
    expect(en[k].trim()).not.toBe('');
    expect(zh[k].trim()).not.toBe('');
    expect(names(zh[k])).toEqual(names(en[k]));
  });
  it('no text stands in two catalogues', () => {
    expect(keys.length).toBe([enPage, enList, enFences, enPanels, enAccounts, enVehicles, enPermits].flatMap(Object.keys).length);
  });
  it('Chinese texts are Chinese', () => {
    const latin = new Set<Key>(['lang.switch', 'app.title', 'alert.times', 'announce.alert']);
    const bare = keys.filter((k) => !latin.has(k) && !/[\u4e00-\u9fff]/.test(zh[k]));
    expect(bare).toEqual([]);
  });
});

describe('use', () => {
  it('fills parameters, counts, and shows unknown codes as they are', async () => {
    await setLang('en');
    expect(t('link.refused', { code: 4403 })).toBe('Refused (4403)');
    expect([plural('alerts.open', 1), plural('alerts.open', 1200)]).toEqual(['1 open', '1,200 open']);
    expect(code('alert.type', 'fence_breach')).toBe('Fence breach');
    expect(code('alert.type', 'new_kind')).toBe('new_kind');
    await setLang('zh-CN');
    expect(plural('alerts.open', 2)).toBe('2 条未结');
  });
  it('texts of a part come with it, in the language that is chosen later too', async () => {
    expect(code('response', 'hold')).toBe('hold');
    await needTexts('fences');
    expect(code('response', 'hold')).toBe('悬停/等待');
    await setLang('en');
    expect(code('response', 'hold')).toBe('Hold');
  });
  it.each([
    [null, ['fr', 'en-GB'], 'en'], [null, ['zh-TW', 'en'], 'zh-CN'], [null, ['fr'], 'zh-CN'],
    ['en', ['zh-CN'], 'en'], ['xx', ['en'], 'en'],
  ] as const)('first language: stored %s, wanted %s', (stored, wanted, want) => {
    expect(firstLang(stored, wanted)).toBe(want);
  });
});
