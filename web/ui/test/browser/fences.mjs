// What the tests of the fence editor share: fences that are taken away afterwards, the
// hand on the map, and the way by keys.

import assert from 'node:assert/strict';
import { api, signIn, token, ready, withPage } from './page.mjs';

export const PREFIX = 'fence-test ';
// South-west of the demo's bases, where nothing stands.
export const FAR = { lat: 30.8741, lon: 121.9012 };

export const listed = async () => (await api('GET', '/v1/fences?limit=200')).body.items.filter((f) => f.name.startsWith(PREFIX));
export async function removeAll() {
  for (const f of await listed()) await api('DELETE', `/v1/fences/${f.id}`, undefined, { 'If-Match': `"${f.rev}"` });
}
export const square = (d = 0.002, at = FAR) => [[at.lon, at.lat], [at.lon + d, at.lat], [at.lon + d, at.lat + d], [at.lon, at.lat + d], [at.lon, at.lat]];
export const definition = (name, more = {}) => ({ name: PREFIX + name, kind: 'keep_out', geometry: { type: 'Polygon', coordinates: [square()] }, floor: null, ceiling: null, response: 'warn', ...more });
export const create = async (name, more) => (await api('POST', '/v1/fences', definition(name, more))).body;

/** Runs body in the fences tab; afterwards no fence of these tests is left. */
export async function withFences(options, body) {
  await removeAll();
  try {
    await withPage(options, async (page) => {
      await signIn(page);
      await page.locator('#tab-fences').click();
      await body(page);
    });
  } finally {
    await removeAll();
  }
}

export const editor = (page) => page.evaluate(() => window.__tz.editor());
export const ring = async (page) => (await editor(page)).shape.polygons[0][0];
export const eventually = (page, body, arg) => page.waitForFunction(body, arg, { timeout: 10_000 });
export const frames = (page, n) => page.evaluate(async (k) => {
  for (let i = 0; i < k; i++) await new Promise((done) => requestAnimationFrame(done));
}, n);

/** A point of the map pane by its share of width and height. */
export async function at(page, x, y) {
  const b = await page.locator('.map').boundingBox();
  return [b.x + b.width * x, b.y + b.height * y];
}
export async function click(page, x, y, options) {
  const [px, py] = await at(page, x, y);
  await page.mouse.move(px, py, { steps: 4 });
  await page.mouse.click(px, py, options);
  // The drawing library takes two clicks within a quarter of a second for one.
  await page.waitForTimeout(280);
}
export async function drag(page, from, to) {
  await page.mouse.move(...(await at(page, ...from)), { steps: 4 });
  await page.mouse.down();
  await page.mouse.move(...(await at(page, ...to)), { steps: 40 });
  await page.mouse.up();
  await frames(page, 3);
}
export async function newFence(page, tool) {
  await page.getByTestId('fence-new').click();
  await page.getByTestId(`tool-${tool}`).click();
  // The drawing chunk is there once the library shows its own cursor.
  await eventually(page, () => document.querySelector('.map canvas').style.cursor !== '' || document.querySelector('.map canvas').getAttribute('style')?.includes('cursor'));
  await frames(page, 5);
}
export async function publish(page) {
  await page.getByTestId('editor-preview').click();
  const said = await page.getByTestId('preview-count').innerText();
  const count = page.getByTestId('editor-count'); // typed when it orders several at once
  if (await count.count()) await count.fill(/(\d+)\D*$/.exec(said)[1]);
  await page.getByTestId('editor-publish').click();
  await page.getByTestId('fence-editor').waitFor({ state: 'detached' });
}

/** Tab until the control with this test id has the focus. */
export async function tabTo(page, id, back = false) {
  for (let i = 0; i < 120; i++) {
    if (await page.evaluate((t) => document.activeElement?.dataset.testid === t, id)) return;
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
  }
  assert.fail(`Tab does not reach ${id}`);
}
export async function press(page, id, back = false) {
  await tabTo(page, id, back);
  await page.keyboard.press('Enter');
}
/** Signs in and opens the fences tab without a mouse. */
export async function signInByKeys(page) {
  await page.locator('#token:focus').waitFor();
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await ready(page);
  for (let i = 0; i < 40 && !(await page.evaluate(() => document.activeElement?.id === 'tab-vehicles')); i++) await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  await page.locator('#tab-fences[aria-selected=true]').waitFor();
  await page.getByTestId('fence-new').waitFor();
}
export async function withKeys(body) {
  await removeAll();
  try {
    await withPage({}, async (page) => {
      await signInByKeys(page);
      await body(page);
    });
  } finally {
    await removeAll();
  }
}
