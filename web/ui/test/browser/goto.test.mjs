// A vehicle is sent to a point from its card: by a click on the map, where a fence in
// the way forbids it until it is gone; and by keys alone.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { clean, person } from '../accounts/people.mjs';
import { tabTo } from './fences.mjs';
import { held, holdByMouse, METRES_PER_DEGREE, newest, ordered, SLOW, withCard } from './orders.mjs';
import { api } from './page.mjs';

const run = Date.now().toString(36);
const of = {};

before(async () => {
  await api('POST', '/v1/organisations', { id: `goto-${run}`, kind: 'authority', name: 'Zone' });
  of.carl = await person(`goto-${run}`, 'Carl Controller', `goto-${run}`, ['controller']);
});

/** A place some metres away, to which the way is free now. */
async function freePlace(v, metres) {
  const height = v.class === 'uav' ? `&height_m=${Math.round(v.heights.takeoff_m)}&datum=takeoff` : '';
  for (let turn = 0; turn < 12; turn++) {
    const a = (turn * Math.PI) / 6;
    const at = (m) => ({
      lat: v.position.lat + (m * Math.cos(a)) / METRES_PER_DEGREE,
      lon: v.position.lon + (m * Math.sin(a)) / METRES_PER_DEGREE / Math.cos((v.position.lat * Math.PI) / 180),
    });
    const to = at(metres);
    const way = (await api('GET', `/v1/vehicles/${v.id}/way?lat=${to.lat}&lon=${to.lon}${height}`)).body;
    if (way.clear) return { to, half: at(metres / 2) };
  }
  return assert.fail(`no way of ${v.id} is free`);
}

const found = (page, clear) => page.locator(`[data-testid=goto][data-clear=${clear}]`).waitFor({ timeout: 20_000 });

test('mouse: a copter is sent to a place on the map, and not through a fence', async () => {
  const v = await held(of.carl, 'copter-');
  const { to, half } = await freePlace(v, 160);
  await withCard(of.carl, v.id, {}, async (page) => {
    await page.getByRole('button', { name: 'Centre', exact: false }).first().click();
    await page.getByTestId('goto-open').click();
    await page.getByTestId('goto-pointing').waitFor();
    await clean(page, 'pointing');
    const { body: fence, etag } = await api('POST', '/v1/fences', {
      name: `tower ${run}`, kind: 'keep_out', geometry: { type: 'Point', coordinates: [half.lon, half.lat] }, radius_m: 20,
      floor: null, ceiling: null, applies: { classes: ['uav'] }, response: 'warn',
    });
    const place = await page.waitForFunction(([lon, lat]) => {
      const px = window.__tz.pixelOf([lon, lat]);
      const map = document.querySelector('.map').getBoundingClientRect();
      return px && px[0] > 0 && px[0] < map.width && px[1] > 0 && px[1] < map.height ? [map.left + px[0], map.top + px[1]] : null;
    }, [to.lon, to.lat]);
    await page.mouse.click(...(await place.jsonValue()));
    await page.getByTestId('goto-pointing').waitFor({ state: 'detached' });
    await found(page, false);
    await page.locator(`[data-fence="${fence.id}"]`).waitFor();
    assert.match(await page.getByTestId('goto-way').innerText(), new RegExp(`A fence is in the way.*“tower ${run}” after [4-9]\\d m, for \\d+ m`, 's'));
    await page.locator('[data-testid=goto-drawn][data-state=blocked]').waitFor();
    assert.equal(await page.getByTestId('order-reposition').count(), 0, 'nothing can be ordered through a fence');
    await clean(page, 'a fence is in the way');

    await api('DELETE', `/v1/fences/${fence.id}`, undefined, { 'If-Match': etag });
    await found(page, true);
    await page.locator('[data-testid=goto-drawn][data-state=clear]').waitFor();
    await page.getByTestId('goto-datum').selectOption('amsl');
    assert.ok(Math.abs(Number(await page.getByTestId('goto-height').inputValue()) - v.heights.amsl_m) < 3, 'its own height in the other datum');
    await found(page, true);
    await clean(page, 'clear');
    await holdByMouse(page, v.id, 'reposition');
    await page.getByTestId('goto-open').waitFor();
    await page.locator('[data-kind=reposition][data-state=in_effect]').waitFor(SLOW);
    const done = await newest(v.id);
    assert.ok(Math.abs(done.to.lat - to.lat) < 1e-4 && Math.abs(done.to.lon - to.lon) < 1e-4 && done.to.height.datum === 'amsl', JSON.stringify(done.to));
    const steps = await page.locator(`[data-order="${done.id}"] .order-steps`).innerText();
    assert.match(steps, /asked.*sent.*accepted.*under way.*in effect/s);
    const { position } = (await api('GET', `/v1/tracks/${v.id}`)).body;
    assert.ok(Math.hypot(position.lat - to.lat, position.lon - to.lon) * METRES_PER_DEGREE < 25, 'it is there');
    await clean(page, 'there');
  });
});

test('keyboard: a boat is sent to a point, in Chinese, on a narrow page', async () => {
  const v = await held(of.carl, 'boat-');
  await withCard(of.carl, v.id, { locale: 'zh-CN', scheme: 'light', narrow: true }, async (page) => {
    await page.getByTestId('goto-open').waitFor();
    await tabTo(page, 'goto-open');
    await page.keyboard.press('Enter');
    await page.getByTestId('goto').waitFor();
    assert.equal(await page.getByTestId('goto-height').count(), 0, 'a boat has no height');
    await tabTo(page, 'goto-point');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid=goto-pointing]:focus').waitFor();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid=goto-point]:focus').waitFor();
    const { to } = await freePlace(v, 60);
    await page.getByTestId('goto-lat').fill(to.lat.toFixed(6));
    await page.getByTestId('goto-lon').fill(to.lon.toFixed(6));
    await found(page, true);
    await tabTo(page, 'goto-nudge');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Shift+ArrowLeft');
    await page.keyboard.press('Shift+ArrowRight');
    assert.equal(await page.getByTestId('goto-lat').inputValue(), to.lat.toFixed(6));
    await found(page, true);
    await clean(page, 'a boat');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390, 'the page itself does not scroll sideways');
    await page.keyboard.press('Escape');
    await page.locator('[data-testid=goto-open]:focus').waitFor();

    await page.keyboard.press('Enter');
    await page.getByTestId('goto-lat').fill(to.lat.toFixed(6));
    await page.getByTestId('goto-lon').fill(to.lon.toFixed(6));
    await found(page, true);
    await tabTo(page, 'order-reposition');
    const asked = ordered(page, v.id);
    await page.keyboard.down('Enter');
    await asked;
    await page.keyboard.up('Enter');
    await page.getByText('途中').first().waitFor(SLOW);
    await clean(page, 'on its way');
  });
});
