// What the zone's vehicles hear of others is on the map, in the list and on a card
// of its own, and the filter finds it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe, flaws, signIn, withPage } from './page.mjs';

test('an aircraft that a copter hears is shown', async () => {
  await withPage({ locale: 'en-GB' }, async (page) => {
    await signIn(page);
    await page.waitForFunction(() => window.__tz.vehicles().some((v) => v.class === 'aircraft'));
    await page.locator('.filters select').first().selectOption('aircraft');
    await page.locator('.filters button', { hasText: 'All' }).click();
    const row = page.locator('tr[data-vehicle="icao-780abc"]');
    await row.waitFor();
    assert.equal(await page.locator('tr[data-vehicle]').count(), 1, 'only the aircraft is left');
    assert.match(await row.innerText(), /B-7611/);
    await row.click();
    const card = page.getByTestId('traffic-card');
    await card.getByTestId('reporters').locator('li').first().waitFor();
    const text = await card.innerText();
    for (const want of ['B-7611', 'ADS-B', 'rotorcraft', '3412', 'says that it is simulated', 'nothing can be ordered of it']) {
      assert.ok(text.includes(want), `the card says ${want}: ${text}`);
    }
    assert.deepEqual(await flaws(page), []);
    assert.deepEqual(await axe(page), []);
  });
});
