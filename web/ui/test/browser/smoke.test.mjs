// Every part of the page in both languages and both themes: nothing is cut off, no
// text is missing, axe finds nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, axe, breach, flaws, signIn, withPage } from './page.mjs';

const cases = [
  { locale: 'en-GB', scheme: 'dark', lang: 'en', title: 'Keys and settings' },
  { locale: 'zh-CN', scheme: 'light', lang: 'zh-CN', title: '按键与设置' },
  { locale: 'zh-CN', scheme: 'dark', lang: 'zh-CN', title: '按键与设置' },
  { locale: 'en-GB', scheme: 'light', lang: 'en', title: 'Keys and settings' },
];

for (const c of cases) {
  test(`${c.lang} ${c.scheme}`, async () => {
    await withPage(c, async (page) => {
      const clean = async (where) => {
        assert.deepEqual(await flaws(page), [], where);
        assert.deepEqual(await axe(page), [], where);
      };
      assert.equal(await page.getAttribute('html', 'lang'), c.lang);
      assert.equal(await page.getAttribute('html', 'data-theme'), c.scheme);
      await clean('sign-in');

      await signIn(page);
      const { id, remove, row } = await breach(page, `smoke ${c.lang} ${c.scheme}`);
      try {
        await clean('live');
        await row.locator('button[aria-expanded]').click();
        await page.getByTestId('alert-panel').waitFor();
        await page.locator('tr[data-vehicle]').first().click();
        await page.getByTestId('card').locator('.enforcement').waitFor();
        await page.getByTestId('layers').click();
        await clean('alert panel, card, layers');
      } finally {
        await remove();
        await api('POST', `/v1/alerts/${id}/acknowledge`, {});
      }
      await page.locator('#tab-fences').click();
      await clean('fences');
      await page.locator('#tab-events').click();
      await clean('crossings');
      await page.getByTestId('help').click();
      await page.getByText(c.title, { exact: true }).waitFor();
      await clean('help');
      await page.keyboard.press('Escape');

      await page.getByTestId('lang').click();
      await page.waitForFunction((was) => document.documentElement.lang !== was, c.lang);
      await page.getByTestId('theme').click();
    });
  });
}
