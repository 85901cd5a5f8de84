// The demo by itself, before other tests order its vehicles: an alert arrives without
// anybody's help. The picture of the README, when TZ_SCREENSHOT names a file.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signIn, withPage } from './page.mjs';

test('the seeded breach of the demo raises an alert', async () => {
  await withPage({}, async (page) => {
    await signIn(page);
    await page.waitForFunction(() => window.__tz.alerts().some((a) => a.type === 'fence_breach' && !a.cleared), null, { timeout: 120_000 });
    const alert = await page.evaluate(() => window.__tz.alerts().find((a) => a.type === 'fence_breach' && !a.cleared));
    assert.equal(alert.level, 3);
    if (!process.env.TZ_SCREENSHOT) return;
    const vehicle = page.locator(`tr[data-vehicle="${alert.vehicle}"]`);
    await vehicle.click();
    await page.getByTestId('card').locator('.enforcement').waitFor();
    await page.mouse.move(700, 20);
    // Trails need some seconds of frames to be seen.
    await page.waitForFunction((start) => performance.now() - start > 20_000, await page.evaluate(() => performance.now()), { polling: 500 });
    await page.screenshot({ path: process.env.TZ_SCREENSHOT });
  });
});
