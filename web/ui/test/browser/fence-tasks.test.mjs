// Tasks of the fence editor, each by mouse and by keyboard alone. Polygon, corners,
// undo, DMS and pasting stand in fences.test.mjs; several fences at once and deleted
// ones in fence-several.test.mjs; the rest in fences-publish.test.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FAR, PREFIX, click, create, editor, eventually, listed, newFence, press, publish, ring, square, tabTo, withFences, withKeys,
} from './fences.mjs';

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
};

for (const [name, ways] of Object.entries(tasks)) {
  test(`mouse: ${name}`, () => withFences({}, ways.mouse));
  test(`keyboard: ${name}`, () => withKeys(ways.keyboard));
}
