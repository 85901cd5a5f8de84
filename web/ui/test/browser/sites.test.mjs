// Sites and temporary restrictions: the calendar by keyboard, a booking refused and moved
// to what is free, a restriction previewed, published and ended; phone width, both languages.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clean } from '../accounts/people.mjs';
import { api, signIn, withPage } from './page.mjs';

const SLOW = { timeout: 60_000 };
const open = async (page, name) => {
  if (!(await page.locator('.desk').count())) await page.getByTestId('desk').click();
  await page.locator(`#desk-${name}`).click();
};

for (const locale of ['en-GB', 'zh-CN']) {
  test(`a site is booked by its calendar (${locale})`, async () => {
    await withPage({ locale, allow: /status of 409/ }, async (page) => {
      await signIn(page);
      await open(page, 'sites');
      if (locale === 'zh-CN') await page.setViewportSize({ width: 390, height: 800 });
      await page.getByTestId('site-calendar').waitFor(SLOW);
      const pads = await api('GET', '/v1/sites?kind=pad'); // of which one fits one booking
      await page.getByTestId('site-which').selectOption(pads.body.items[0].id);
      await page.getByTestId('site-calendar').waitFor(SLOW);
      await page.getByTestId('site-plan').waitFor(SLOW);
      await clean(page, `sites ${locale}`);
      await page.getByTestId('week-after').click();
      await page.getByTestId('week-after').click();
      const cell = page.locator('[data-cell="8-0"]');
      await page.waitForFunction(() => document.querySelectorAll('[data-state=full]').length === 0, null, SLOW);
      await cell.focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowRight');
      assert.equal(await page.evaluate(() => document.activeElement.dataset.cell), '9-1');
      await page.keyboard.press('Enter');
      const from = page.getByTestId('book-from');
      assert.match(await from.inputValue(), /T09:00$/);
      await page.getByTestId('book-purpose').fill(`brake test ${locale}`);
      await page.getByTestId('book-try').click();
      await page.waitForFunction(() => document.querySelector('[data-testid=book-fits]').textContent !== '', null, SLOW);
      await page.getByTestId('book-book').click();
      const row = page.locator('tr[data-booking]', { hasText: `brake test ${locale}` });
      await row.waitFor(SLOW);
      await page.locator('[data-cell="9-1"][data-state=full]').waitFor(SLOW);
      await page.getByTestId('book-book').click(); // the same again: what is free instead
      const instead = page.getByTestId('book-free').locator('button').first();
      await instead.waitFor(SLOW);
      await instead.click();
      assert.doesNotMatch(await from.inputValue(), /T09:00$/);
      await clean(page, `bookings ${locale}`);
      await row.getByTestId('book-cancel').click();
      await row.waitFor({ state: 'detached', ...SLOW });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'the page scrolls sideways');
    });
  });

  test(`a restriction is previewed, published, shown and ended (${locale})`, async () => {
    const name = `Regatta ${locale}`;
    await withPage({ locale }, async (page) => {
      await signIn(page);
      await open(page, 'restrictions');
      await page.getByTestId('res-form').waitFor(SLOW);
      await page.getByTestId('res-name').fill(name);
      assert.equal(await page.getByTestId('res-publish').isDisabled(), true, 'it is looked at before it is published');
      for (const [key, value] of [['lat', '30.93'], ['lon', '121.95'], ['radius', '50']]) await page.getByTestId(`res-${key}`).fill(value);
      await page.getByTestId('res-try').click();
      await page.waitForFunction(() => document.querySelector('[data-testid=res-meets]').textContent !== '', null, SLOW);
      await page.getByTestId('res-publish').click();
      const board = page.getByTestId('restriction').filter({ hasText: name });
      await board.waitFor(SLOW);
      assert.equal(await board.getAttribute('data-state'), 'in_force');
      await board.getByTestId('res-notice').waitFor(SLOW); // a planned one that begins at once is late
      const called = board.locator('tr[data-organisation=demo]').getByTestId('res-called');
      await clean(page, `restrictions ${locale}`);
      await called.click();
      await called.waitFor({ state: 'detached', ...SLOW });
      const { body } = await api('GET', '/v1/restrictions');
      const made = body.items.find((r) => r.name === name);
      assert.equal(made.late, true);
      assert.equal(made.counts.acknowledged, 1);
      await board.getByTestId('res-end').click();
      await board.waitFor({ state: 'detached', ...SLOW });
    });
  });
}
