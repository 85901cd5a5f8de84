// Several fences at once, and the deleted ones: each task by mouse and by keyboard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PREFIX, create, definition, eventually, listed, press, tabTo, withFences, withKeys } from './fences.mjs';
import { api } from './page.mjs';

/** Moves the focus to the row of a fence in the list and chooses it by Space. */
async function pickByKeys(page, id) {
  const row = page.locator(`[data-fence="${id}"]`);
  await row.waitFor();
  const focused = () => row.evaluate((el) => el === document.activeElement);
  const inList = () => page.evaluate(() => document.activeElement?.matches('tr[data-fence]'));
  // From the first row down, wherever the row before it was.
  if (await inList()) await page.keyboard.press('Home');
  for (let i = 0; i < 80 && !(await focused()); i++) await page.keyboard.press((await inList()) ? 'ArrowDown' : 'Tab');
  assert.ok(await focused(), 'the arrows reach the row');
  await page.keyboard.press('Space');
  await row.locator('input:checked').waitFor();
}
const published = (page) => page.getByTestId('batch').waitFor({ state: 'detached' });
const gone = (page, id) => page.locator(`[data-fence="${id}"]`).waitFor({ state: 'detached' });
const responses = async () => (await listed()).map((f) => f.response);

const tasks = {
  'response of several': {
    mouse: async (page) => {
      const rest = {
        kind: 'speed_limit', speed_mps: 7.5, margin_m: 2, floor: { m: 3, datum: 'takeoff' }, applies: { classes: ['uav'], exempt_operators: ['police'] },
        schedule: { windows: [{ from: '2027-01-01T00:00:07.000Z', to: '2027-01-01T01:02:03.250Z' }], weekly: [], holidays: 'as_days' },
      };
      for (const name of ['a', 'b', 'c']) await create(name, rest);
      const was = Object.fromEntries((await listed()).map((f) => [f.id, f]));
      for (const f of (await listed()).slice(0, 2)) await page.locator(`[data-fence="${f.id}"]`).getByTestId('pick').click();
      await page.getByTestId('picked-response').click();
      await page.getByTestId('batch-response').selectOption('land');
      await page.getByTestId('batch-preview').click();
      // The server is asked for each of them first.
      await page.getByTestId('batch-publish').waitFor();
      assert.equal(await page.locator('[data-batch]').count(), 2);
      assert.deepEqual(await responses(), ['warn', 'warn', 'warn'], 'a preview changes nothing');
      await page.getByTestId('batch-publish').click();
      await published(page);
      assert.deepEqual((await responses()).sort(), ['land', 'land', 'warn']);
      for (const { rev, updated_at, updated_by, response, ...now } of await listed()) {
        const { rev: _rev, updated_at: _at, updated_by: _by, response: _response, ...before } = was[now.id];
        assert.deepEqual(now, before, 'nothing else of it has changed');
      }
      assert.equal(await page.getByTestId('picked').count(), 0, 'nothing is chosen any more');
    },
    keyboard: async (page) => {
      for (const name of ['a', 'b']) await create(name);
      for (const f of await listed()) await pickByKeys(page, f.id);
      await press(page, 'picked-response', true);
      await tabTo(page, 'batch-response');
      await page.keyboard.type('Ho');
      await press(page, 'batch-preview');
      await page.getByTestId('batch-publish').waitFor();
      await press(page, 'batch-publish');
      await published(page);
      assert.deepEqual(await responses(), ['hold', 'hold']);
    },
  },
  'schedule of several': {
    mouse: async (page) => {
      for (const name of ['a', 'b']) await create(name);
      for (const f of await listed()) await page.locator(`[data-fence="${f.id}"]`).getByTestId('pick').click();
      await page.getByTestId('picked-schedule').click();
      await page.getByTestId('schedule-always').click();
      await page.getByTestId('batch-preview').click();
      await page.getByText('Add a window or a weekly entry').waitFor();
      await page.getByTestId('add-week').click();
      await page.getByTestId('batch-preview').click();
      await page.getByTestId('batch-publish').click();
      await published(page);
      for (const f of await listed()) assert.equal(f.schedule.weekly.length, 1);
    },
    keyboard: async (page) => {
      for (const name of ['a', 'b']) await create(name, { schedule: { weekly: [{ days: ['mon'], from: '08:00', to: '09:00' }], holidays: 'as_days' } });
      for (const f of await listed()) await pickByKeys(page, f.id);
      await press(page, 'picked-schedule', true);
      await press(page, 'batch-preview');
      await page.getByTestId('batch-publish').waitFor();
      await press(page, 'batch-publish');
      await published(page);
      for (const f of await listed()) assert.equal(f.schedule, null, 'always in force');
    },
  },
  'delete several': {
    mouse: async (page) => {
      const [a, b] = [await create('a'), await create('b')];
      for (const f of [a, b]) await page.locator(`[data-fence="${f.id}"]`).getByTestId('pick').click();
      await page.getByTestId('picked-delete').click();
      await page.locator('[data-batch]').nth(1).waitFor();
      // One was changed meanwhile: none of them goes.
      await api('PUT', `/v1/fences/${a.id}`, definition('a', { response: 'stop' }), { 'If-Match': `"${a.rev}"` });
      await page.getByTestId('batch-publish').click();
      await page.getByTestId('batch').getByRole('alert').getByText(`${PREFIX}a`).waitFor();
      assert.equal((await listed()).length, 2, 'all or none');
      await page.keyboard.press('Escape');
      await page.getByTestId('picked-delete').click();
      await page.getByTestId('batch-publish').click();
      await published(page);
      for (const f of [a, b]) await gone(page, f.id);
      assert.deepEqual(await listed(), []);
    },
    keyboard: async (page) => {
      const all = [await create('a'), await create('b')];
      for (const f of all) await pickByKeys(page, f.id);
      await press(page, 'picked-delete', true);
      await page.locator('[data-batch]').nth(1).waitFor();
      await press(page, 'batch-publish');
      await published(page);
      for (const f of all) await gone(page, f.id);
      assert.deepEqual(await listed(), []);
    },
  },
  'restore a deleted one': {
    mouse: async (page) => {
      const f = await create('back');
      await api('DELETE', `/v1/fences/${f.id}`, undefined, { 'If-Match': `"${f.rev}"` });
      await page.getByTestId('fence-deleted').click();
      await page.locator(`[data-deleted="${f.id}"]`).click();
      await page.locator(`tr[data-rev="${f.rev}"]`).click();
      await page.getByTestId('version-restore').click();
      await page.getByTestId('version-restore-confirm').click();
      await eventually(page, (id) => window.__tz.fences().some((x) => x.id === id), f.id);
      await page.keyboard.press('Escape');
      await page.getByTestId('deleted').waitFor();
      await page.locator(`[data-deleted="${f.id}"]`).waitFor({ state: 'detached' });
      assert.equal((await listed()).length, 1);
    },
    keyboard: async (page) => {
      const f = await create('back');
      await api('DELETE', `/v1/fences/${f.id}`, undefined, { 'If-Match': `"${f.rev}"` });
      await press(page, 'fence-deleted');
      await page.locator(`[data-deleted="${f.id}"]`).waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement?.dataset.deleted), f.id, 'the newest stands first');
      await page.keyboard.press('Enter');
      const row = page.locator(`tr[data-rev="${f.rev}"]`);
      await row.waitFor();
      for (let i = 0; i < 60 && !(await row.evaluate((el) => el === document.activeElement)); i++) {
        await page.keyboard.press((await page.evaluate(() => document.activeElement?.matches('tr[data-rev]'))) ? 'ArrowDown' : 'Tab');
      }
      await page.keyboard.press('Enter');
      await press(page, 'version-restore');
      await page.getByTestId('version-restore-confirm').waitFor();
      await page.keyboard.press('Enter');
      await eventually(page, (id) => window.__tz.fences().some((x) => x.id === id), f.id);
    },
  },
};

for (const [name, ways] of Object.entries(tasks)) {
  test(`mouse: ${name}`, () => withFences({ allow: /412|409/ }, ways.mouse));
  test(`keyboard: ${name}`, () => withKeys(ways.keyboard));
}
