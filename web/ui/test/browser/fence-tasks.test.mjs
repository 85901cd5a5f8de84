// Tasks of the fence editor, each by mouse and by keyboard alone. Polygon, corners,
// undo, DMS and pasting stand in fences.test.mjs; preview, versions, one deletion,
// schedule, import and the emergency fence in fences-publish.test.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FAR, PREFIX, at, click, create, definition, drag, editor, eventually, listed, newFence, press, publish, ring, square, tabTo, withFences, withKeys,
} from './fences.mjs';
import { api } from './page.mjs';

const polygons = async (page) => (await editor(page)).shape?.polygons ?? [];
const far = (dLat, dLon) => `${(FAR.lat + dLat).toFixed(4)}, ${(FAR.lon + dLon).toFixed(4)}`;
const box = (dLat, dLon, d) => [far(dLat, dLon), far(dLat, dLon + d), far(dLat + d, dLon + d), far(dLat + d, dLon)].join('\n');

async function byNumbers(page, text, { form, measure } = {}) {
  await press(page, 'fence-new');
  if (form) {
    await tabTo(page, 'shape-form');
    await page.keyboard.type(form);
    await tabTo(page, 'shape-measure');
    await page.keyboard.press('Control+a');
    await page.keyboard.type(measure);
  }
  await tabTo(page, 'coordinates');
  await page.keyboard.type(text);
  await press(page, 'coordinates-apply');
  await eventually(page, () => window.__tz.editor().shape !== null);
  assert.deepEqual((await editor(page)).faults, []);
}
async function nameAndPublishByKeys(page, name) {
  await tabTo(page, 'draft-name');
  await page.keyboard.type(PREFIX + name);
  await page.keyboard.press('Enter');
  await page.getByTestId('editor-publish').waitFor();
  await press(page, 'editor-publish');
  await page.getByTestId('fence-editor').waitFor({ state: 'detached' });
}
/** Moves the focus to the row of a fence in the list and chooses it by Space. */
async function pickByKeys(page, id) {
  const row = page.locator(`[data-fence="${id}"]`);
  await row.waitFor();
  const focused = () => row.evaluate((el) => el === document.activeElement);
  for (let i = 0; i < 80 && !(await focused()); i++) {
    const inList = await page.evaluate(() => document.activeElement?.matches('tr[data-fence]'));
    await page.keyboard.press(inList ? 'ArrowDown' : 'Tab');
  }
  assert.ok(await focused(), 'the arrows reach the row');
  await page.keyboard.press('Space');
  await row.locator('input:checked').waitFor();
}
async function draw(page, points) {
  for (const p of points) await click(page, ...p);
}
const corner = async (page, lonLat) => {
  const px = await page.evaluate((c) => window.__tz.pixelOf(c), lonLat);
  const b = await page.locator('.map').boundingBox();
  return [px[0] / b.width, px[1] / b.height];
};
/** FAR as a GCJ-02 map means it, in WGS-84: by the published formulas, to a metre. */
const shifted = [121.8971194, 30.8764952];
const near = (got, want, why) => assert.ok(Math.hypot(got[0] - want[0], got[1] - want[1]) < 1e-5, `${why ?? ''} ${got} ${want}`);
const gone = (page, id) => page.locator(`[data-fence="${id}"]`).waitFor({ state: 'detached' });
const responses = async () => (await listed()).map((f) => f.response);

const tasks = {
  rectangle: {
    mouse: async (page) => {
      await newFence(page, 'rectangle');
      await draw(page, [[0.3, 0.3], [0.7, 0.7]]);
      await eventually(page, () => window.__tz.editor().tool === 'select');
      const r = await ring(page);
      assert.equal(new Set(r.map((p) => p[0])).size, 2, 'its sides lie on meridians');
      assert.equal(new Set(r.map((p) => p[1])).size, 2);
    },
    keyboard: async (page) => {
      await byNumbers(page, box(0, 0, 0.003));
      assert.equal((await ring(page)).length, 4);
      await nameAndPublishByKeys(page, 'rectangle');
      assert.equal((await listed())[0].geometry.coordinates[0].length, 5);
    },
  },
  circle: {
    mouse: async (page) => {
      await newFence(page, 'circle');
      await draw(page, [[0.4, 0.4], [0.5, 0.4]]);
      await eventually(page, () => window.__tz.editor().shape?.kind === 'circle');
      await page.getByTestId('draft-name').fill(`${PREFIX}circle`);
      await publish(page);
      assert.equal((await listed())[0].geometry.type, 'Point');
    },
    keyboard: async (page) => {
      await byNumbers(page, far(0, 0), { form: 'cir', measure: '150' });
      await nameAndPublishByKeys(page, 'circle');
      assert.deepEqual((await listed()).map((f) => [f.geometry.type, f.radius_m]), [['Point', 150]]);
    },
  },
  corridor: {
    mouse: async (page) => {
      await newFence(page, 'corridor');
      await draw(page, [[0.3, 0.5], [0.5, 0.4], [0.7, 0.5], [0.7, 0.5]]);
      await eventually(page, () => window.__tz.editor().shape?.kind === 'corridor');
      await page.getByTestId('draft-name').fill(`${PREFIX}corridor`);
      await publish(page);
      assert.equal((await listed())[0].geometry.coordinates.length, 3);
    },
    keyboard: async (page) => {
      await byNumbers(page, `${far(0, 0)}\n${far(0.004, 0.005)}`, { form: 'cor', measure: '60' });
      await nameAndPublishByKeys(page, 'corridor');
      assert.deepEqual((await listed()).map((f) => [f.geometry.type, f.width_m]), [['LineString', 60]]);
    },
  },
  hole: {
    mouse: async (page) => {
      await newFence(page, 'rectangle');
      await draw(page, [[0.3, 0.3], [0.7, 0.7]]);
      await eventually(page, () => window.__tz.editor().tool === 'select');
      await page.getByTestId('tool-hole').click();
      await draw(page, [[0.4, 0.4], [0.55, 0.4], [0.55, 0.55], [0.4, 0.4]]);
      await eventually(page, () => window.__tz.editor().shape.polygons[0].length === 2);
      assert.deepEqual((await editor(page)).faults, []);
    },
    keyboard: async (page) => {
      await byNumbers(page, `${box(0, 0, 0.005)}\nhole\n${box(0.001, 0.001, 0.002)}`);
      assert.equal((await polygons(page))[0].length, 2);
    },
  },
  'several polygons': {
    mouse: async (page) => {
      await newFence(page, 'rectangle');
      await draw(page, [[0.2, 0.2], [0.4, 0.4]]);
      await eventually(page, () => window.__tz.editor().tool === 'select');
      const first = await ring(page);
      await page.getByTestId('tool-part').click();
      await draw(page, [[0.6, 0.6], [0.8, 0.62], [0.75, 0.8], [0.6, 0.6]]);
      await eventually(page, () => window.__tz.editor().shape.polygons.length === 2);
      assert.deepEqual(await ring(page), first, 'the first one stays');
      await page.getByTestId('draft-name').fill(`${PREFIX}two`);
      await publish(page);
      assert.equal((await listed())[0].geometry.type, 'MultiPolygon');
    },
    keyboard: async (page) => {
      await byNumbers(page, `${box(0, 0, 0.002)}\npolygon\n${box(0.004, 0.004, 0.002)}`);
      assert.equal((await polygons(page)).length, 2);
      await nameAndPublishByKeys(page, 'two');
      assert.equal((await listed())[0].geometry.type, 'MultiPolygon');
    },
  },
  snapping: {
    // By the hand it follows, by numbers never: they are what they say.
    mouse: async (page) => {
      const other = await create('anchor', { geometry: { type: 'Polygon', coordinates: [square(0.008)] } });
      await page.locator(`[data-fence="${other.id}"]`).click();
      await page.waitForTimeout(500); // the map flies there
      const anchor = other.geometry.coordinates[0][2];
      const [ax, ay] = await corner(page, anchor);
      const b = await page.locator('.map').boundingBox();
      const near = [ax + 6 / b.width, ay - 5 / b.height];
      await newFence(page, 'polygon');
      await click(page, ...near);
      await draw(page, [[ax - 0.2, ay + 0.3], [ax - 0.25, ay + 0.12], near]);
      await eventually(page, () => window.__tz.editor().shape !== null);
      assert.ok((await ring(page)).some((p) => String(p) === String(anchor)), 'the corner of the other fence was taken');
      await page.keyboard.press('g');
      assert.equal(await page.getByTestId('snapping').isChecked(), false);
      await page.getByTestId('tool-polygon').click();
      await draw(page, [near, [ax - 0.2, ay + 0.3], [ax - 0.25, ay + 0.12], near]);
      await eventually(page, () => window.__tz.editor().tool === 'select');
      assert.ok(!(await ring(page)).some((p) => String(p) === String(anchor)), 'switched off it stays where the click was');
    },
    keyboard: async (page) => {
      await create('anchor');
      const beside = `${(FAR.lat + 0.000001).toFixed(6)}, ${(FAR.lon + 0.000001).toFixed(6)}`;
      await byNumbers(page, `${beside}\n${far(0, -0.003)}\n${far(-0.003, -0.003)}`);
      assert.deepEqual((await ring(page))[0], [121.901201, 30.874101]);
      await tabTo(page, 'snapping', true);
      await page.keyboard.press('Space');
      assert.equal(await page.getByTestId('snapping').isChecked(), false);
    },
  },
  'coordinates of a GCJ-02 map': {
    mouse: async (page) => {
      await page.getByTestId('fence-new').click();
      await page.getByTestId('gcj').click();
      await page.getByTestId('coordinates').evaluate((el, text) => {
        const data = new DataTransfer();
        data.setData('text', text);
        el.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
      }, box(0, 0, 0.003));
      await eventually(page, () => window.__tz.editor().shape !== null);
      near((await ring(page))[0], shifted, 'WGS-84 lies beside what the Chinese map shows');
    },
    keyboard: async (page) => {
      await press(page, 'fence-new');
      await tabTo(page, 'gcj');
      await page.keyboard.press('Space');
      await tabTo(page, 'coordinates', true);
      await page.keyboard.type(box(0, 0, 0.003));
      await press(page, 'coordinates-apply');
      await eventually(page, () => window.__tz.editor().shape !== null);
      near((await ring(page))[0], shifted);
    },
  },
  'response of several': {
    mouse: async (page) => {
      for (const name of ['a', 'b', 'c']) await create(name);
      for (const f of (await listed()).slice(0, 2)) await page.locator(`[data-fence="${f.id}"]`).getByTestId('pick').click();
      await page.getByTestId('picked-response').click();
      await page.getByTestId('batch-response').selectOption('land');
      await page.getByTestId('batch-preview').click();
      assert.equal(await page.locator('[data-batch]').count(), 2);
      assert.deepEqual(await responses(), ['warn', 'warn', 'warn'], 'a preview changes nothing');
      await page.getByTestId('batch-publish').click();
      await page.getByTestId('batch').waitFor({ state: 'detached' });
      assert.deepEqual((await responses()).sort(), ['land', 'land', 'warn']);
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
      await page.getByTestId('batch').waitFor({ state: 'detached' });
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
      await page.getByTestId('batch').waitFor({ state: 'detached' });
      for (const f of await listed()) assert.equal(f.schedule.weekly.length, 1);
    },
    keyboard: async (page) => {
      for (const name of ['a', 'b']) await create(name, { schedule: { weekly: [{ days: ['mon'], from: '08:00', to: '09:00' }], holidays: 'as_days' } });
      for (const f of await listed()) await pickByKeys(page, f.id);
      await press(page, 'picked-schedule', true);
      await press(page, 'batch-preview');
      await page.getByTestId('batch-publish').waitFor();
      await press(page, 'batch-publish');
      await page.getByTestId('batch').waitFor({ state: 'detached' });
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
      for (const f of [a, b]) await gone(page, f.id);
      assert.deepEqual(await listed(), []);
    },
    keyboard: async (page) => {
      const all = [await create('a'), await create('b')];
      for (const f of all) await pickByKeys(page, f.id);
      await press(page, 'picked-delete', true);
      await page.locator('[data-batch]').nth(1).waitFor();
      await press(page, 'batch-publish');
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
