// Evacuation: CLEAR is held, everybody is ordered down with the typed count, and the board
// is followed until only those are left about whom somebody has to be called.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../accounts/people.mjs';
import { SLOW, at, clean, does, hold, shot } from './stage.mjs';

// It refuses, is not heard, cannot stand still in the air.
const LEFT = ['icv-6', 'uav-5', 'uav-7'];

test('a zone is emptied', () => at('ada', {}, async (page) => {
  await does('icv-6', 'link silent');
  await page.getByTestId('desk').click();
  await open(page, 'zone');
  await page.getByTestId('duty-on').click();
  await page.locator('[name=reason]').fill('gas leak at the harbour');
  await shot(page, 'evac-1-before');
  await hold(page, 'zone-clear', () => page.locator('[data-testid=zone-state][data-state=clear]').waitFor(SLOW));
  await page.locator('tr[data-complies=false]').nth(3).waitFor(SLOW);
  await shot(page, 'evac-2-clear');
  await clean(page, 'clear');

  const given = page.locator('[data-testid=bulk-given]');
  for (let tries = 0; tries < 20 && !(await given.count()); tries++) { // who goes on meanwhile makes another preview
    await page.locator('[name=which]').selectOption('all');
    await page.locator('[name=bulk-reason]').fill(`gas leak ${tries}`);
    await page.getByTestId('bulk-look').click();
    const preview = page.getByTestId('bulk-preview');
    await preview.waitFor(SLOW);
    await page.locator('[name=count]').fill(await preview.getAttribute('data-orders'));
    if (tries === 0) await shot(page, 'evac-3-preview');
    await hold(page, 'bulk-give', () => given.or(preview.getByRole('alert').filter({ hasText: /\S/ })).first().waitFor(SLOW));
  }
  await given.waitFor(SLOW);
  await shot(page, 'evac-4-given');
  await page.waitForFunction((left) => {
    const against = [...document.querySelectorAll('tr[data-complies=false]')].map((r) => r.dataset.vehicle).sort();
    return JSON.stringify(against) === JSON.stringify(left);
  }, LEFT, SLOW);
  await shot(page, 'evac-5-left');
  for (const id of LEFT) assert.match(await page.locator(`tr[data-complies=false][data-vehicle="${id}"]`).innerText(), /Grace Hopper[\s\S]*\+86 21 5555 0100/);
  await page.locator('[data-call=uav-5]').getByText('+86 21 5555 0100').waitFor(SLOW);
  await clean(page, 'who is left');
  await page.locator('[name=reason]').fill('everybody is at rest or called');
  await hold(page, 'zone-closed', () => page.locator('[data-testid=zone-state][data-state=closed]').waitFor(SLOW));
  await shot(page, 'evac-6-closed');
}));
