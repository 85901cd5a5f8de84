// A rescue helicopter in three minutes: announced from the map where it comes from, tried
// first, the ways out ordered, and nobody left in its way before it comes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../accounts/people.mjs';
import { SLOW, at, clean, hold, shot } from './stage.mjs';

test('the way of a helicopter is cleared', () => at('ada', {}, async (page) => {
  const v = await page.evaluate(() => window.__tz.vehicles().find((u) => u.id === 'uav-1'));
  const box = await page.locator('.map').boundingBox();
  await page.mouse.click(box.x + v.px[0], box.y + v.px[1] - 60, { button: 'right' });
  await page.getByTestId('map-menu').waitFor();
  await shot(page, 'heli-1-menu');
  await page.getByTestId('map-menu').getByRole('menuitem', { name: /priority/i }).click();
  await page.getByTestId('priority-form').waitFor(SLOW);
  await page.getByTestId('priority-name').fill('Rescue 1');
  // Three minutes to the west of them at 60 m/s.
  await page.getByTestId('priority-lat').fill(v.lat.toFixed(6));
  await page.getByTestId('priority-lon').fill((v.lon - (180 * 60) / (111_320 * Math.cos((v.lat * Math.PI) / 180))).toFixed(6));
  await page.getByTestId('priority-course').fill('90');
  await page.getByTestId('priority-speed').fill('60');
  await page.getByTestId('priority-try').click();
  await page.locator('[data-testid=priority-preview]', { hasText: /\d/ }).waitFor(SLOW);
  await shot(page, 'heli-2-tried');
  await clean(page, 'tried');
  await page.getByTestId('priority-announce').click();
  await page.locator('[data-testid=priority] tr[data-vehicle=uav-1]').waitFor(SLOW);
  await shot(page, 'heli-3-announced');
  await clean(page, 'announced');
  assert.match(await page.getByTestId('priority-clear-in').innerText(), /[012]:\d\d/);

  await hold(page, 'priority-order-all', () => page.getByTestId('priority-orders').waitFor(SLOW));
  await shot(page, 'heli-4-ordered');
  await page.getByTestId('desk').click();
  await page.getByTestId('priority-overlay').waitFor(SLOW);
  await shot(page, 'heli-5-map');
  await clean(page, 'on the map');
  assert.notEqual(await page.locator('.priority-lane').evaluate((e) => getComputedStyle(e).stroke), 'none', 'its way is drawn');

  // Who cannot be sent out of the way in time is brought down.
  for (const id of ['uav-1', 'uav-3']) {
    await page.locator(`tr[data-vehicle="${id}"]`).click();
    await hold(page, 'order-land', () => page.locator('[data-kind=land]').first().waitFor(SLOW));
  }
  for (const id of ['uav-1', 'uav-3']) {
    await page.waitForFunction((v) => !window.__tz.alerts().some((a) => a.type === 'priority_conflict' && a.vehicle === v && !a.cleared), id, SLOW);
  }
  await page.getByTestId('desk').click();
  await open(page, 'priority');
  for (const id of ['uav-1', 'uav-3']) await page.locator(`[data-testid=priority] tr[data-vehicle="${id}"]`).waitFor({ state: 'detached' });
  assert.match(await page.getByTestId('priority-clear-in').innerText(), /[012]:\d\d/, 'before it comes');
  await shot(page, 'heli-6-clear');
  await page.getByTestId('priority-end').click();
  await page.getByTestId('priority-none').waitFor(SLOW);
}));
