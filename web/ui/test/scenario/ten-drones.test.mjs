// A fence is drawn by mouse over ten drones. The preview says what each would do, the
// count is typed, they leave one after another, and the effect shows on every one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api } from '../browser/page.mjs';
import { newFence } from '../browser/fences.mjs';
import { SLOW, at, clean, drawAround, shot } from './stage.mjs';

test('ten drones are held by one fence', () => at('ada', {}, async (page) => {
  await api('POST', '/v1/enforcement/confirm', { reason: 'all vehicles are where they are shown' });
  const all = await page.evaluate(() => window.__tz.vehicles().map((v) => v.id));
  const drones = all.filter((v) => v.startsWith('uav-')).sort();
  assert.equal(drones.length, 10);
  await page.locator('#tab-fences').click();
  await newFence(page, 'rectangle');
  await drawAround(page, all, 60);
  await page.getByTestId('draft-name').fill('Stadium');
  await page.getByTestId('draft-response').selectOption('hold');
  await page.getByTestId('fence-editor').getByRole('checkbox', { name: 'UAV' }).check();
  await page.getByTestId('editor-preview').click();
  await page.locator('[data-would=breach]').nth(9).waitFor();
  const inside = page.locator('tr[data-would=breach]');
  assert.deepEqual((await inside.evaluateAll((rows) => rows.map((r) => r.dataset.vehicleId))).sort(), drones);
  for (const row of await inside.all()) {
    const wing = /-1?7$/.test(await row.getAttribute('data-vehicle-id'));
    assert.match(await row.innerText(), wing ? /Breach\s+Hold → Return$/ : /Breach\s+Hold → Return → Land$/);
  }
  await shot(page, 'ten-1-preview');
  await clean(page, 'preview');

  const publish = page.getByTestId('editor-publish');
  assert.ok(await publish.isDisabled(), 'ten are ordered by it: nobody publishes that by a slip');
  await page.getByTestId('editor-count').fill('9');
  assert.ok(await publish.isDisabled());
  await page.getByTestId('editor-count').fill('10');
  await shot(page, 'ten-2-typed');
  await publish.click();
  await page.getByTestId('fence-editor').waitFor({ state: 'detached' });
  await shot(page, 'ten-3-published');
  await page.locator('#tab-vehicles').click();
  for (const id of drones) {
    await page.locator(`tr[data-vehicle="${id}"]`).click();
    await page.locator('[data-testid=ladder][data-state=in_effect]').waitFor(SLOW);
    await page.locator('[data-step=hold][data-outcome=in_effect]').waitFor();
  }
  await shot(page, 'ten-4-held');
  await clean(page, 'held');
  const { items } = (await api('GET', '/v1/enforcement?state=open&limit=100')).body;
  const asked = items.map((l) => Date.parse(l.steps[0].asked_at)).sort((a, b) => a - b);
  assert.equal(new Set(asked).size, 10, 'one after another');
}));
