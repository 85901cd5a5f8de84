// Priority traffic as the page has it: placed by hand, who is in its way and the way
// out of each, one of them ordered though somebody else had the vehicle, drawn on the
// map, and ended.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { clean, enter, open, person } from '../accounts/people.mjs';
import { held, holdUntil, METRES_PER_DEGREE, newest } from './orders.mjs';
import { api, ready, withPage } from './page.mjs';

const run = Date.now().toString(36);
const of = {};
const SLOW = { timeout: 60_000 };

before(async () => {
  await api('POST', '/v1/organisations', { id: `rescue-${run}`, kind: 'authority', name: 'Rescue' });
  of.carl = await person(`rescue-carl-${run}`, 'Carl Rescue', `rescue-${run}`, ['controller']);
  of.dora = await person(`rescue-dora-${run}`, 'Dora Rescue', `rescue-${run}`, ['controller']);
});

const withPriority = (who, options, body) => withPage(options, async (page) => {
  if (options.narrow) await page.setViewportSize({ width: 390, height: 844 });
  await enter(page, who.login);
  await ready(page, !options.narrow);
  await page.getByTestId('desk').click();
  await open(page, 'priority');
  await body(page);
});
const put = async (page, fields) => {
  for (const [name, value] of Object.entries(fields)) await page.getByTestId(`priority-${name}`).fill(String(value));
};

/** A helicopter that comes straight to a vehicle, from some metres west of it. */
const comes = (v, metres) => ({
  lat: v.position.lat.toFixed(6), lon: (v.position.lon - metres / METRES_PER_DEGREE / Math.cos((v.position.lat * Math.PI) / 180)).toFixed(6), course: 90,
});

test('placed by hand, a way out ordered after taking over, drawn, and ended', async () => {
  const v = await held(of.dora, 'copter-');
  const name = `Rescue ${run}`;
  await withPriority(of.carl, {}, async (page) => {
    await put(page, { name, ...comes(v, 600), speed: 4, radius: 120, ceiling: '', clearIn: 3 });
    await page.getByTestId('priority-try').click();
    await page.getByText(/[1-9]\d* vehicles? (is|are) in its way/).first().waitFor();
    await clean(page, 'tried');
    assert.ok(!(await api('GET', '/v1/priority-traffic')).body.items.some((p) => p.name === name), 'a look announces nothing');
    await page.getByTestId('priority-announce').click();
    const one = page.getByRole('region', { name });
    const row = one.locator(`tr[data-vehicle="${v.id}"]`);
    await row.waitFor();
    assert.equal(await row.getAttribute('data-how'), 'ahead');
    await one.locator(`tr[data-vehicle="${v.id}"][data-exit=move]`).waitFor();
    await one.getByTestId('priority-order-all').waitFor();
    await clean(page, 'in force');

    // Dora has it: nothing is ordered before it is taken over, and that is said.
    await holdUntil(page, row.getByTestId('priority-order'), one.locator(`[data-vehicle="${v.id}"][data-state=leased]`).waitFor());
    assert.equal((await newest(v.id)).kind, 'hold');
    await page.getByTestId('priority-leased').waitFor();
    await clean(page, 'somebody else has it');
    await holdUntil(page, page.getByTestId('priority-take-over'), one.locator(`li[data-vehicle="${v.id}"]:not([data-state=leased])`).waitFor());
    const sent = await newest(v.id);
    assert.deepEqual([sent.kind, sent.person, sent.reason], ['reposition', of.carl.id, `priority traffic: ${name}`]);
    await one.locator(`li[data-vehicle="${v.id}"]:is([data-state=under_way], [data-state=in_effect])`).waitFor(SLOW);
    await clean(page, 'on its way out');

    await page.getByTestId('desk-close').click();
    await page.getByTestId('priority-overlay').waitFor();
    await page.locator(`[data-testid=priority-overlay] [data-vehicle="${v.id}"][data-exit=move] .priority-exit-end`).waitFor({ state: 'attached', ...SLOW });
    await clean(page, 'on the map');
    await page.getByTestId('desk').click();
    await open(page, 'priority');
    await one.locator(`tr[data-vehicle="${v.id}"]`).waitFor({ state: 'detached', ...SLOW }); // it is out of the way
    await one.getByTestId('priority-end').click();
    await one.waitFor({ state: 'detached' });
  });
  const { lat, lon } = (await api('GET', `/v1/tracks/${v.id}`)).body.position;
  assert.ok(Math.hypot(lat - v.position.lat, (lon - v.position.lon) * Math.cos((lat * Math.PI) / 180)) * METRES_PER_DEGREE > 100, 'it went out of the way');
});

test('in Chinese, on a narrow page: who is in the way is seen, and it is ended', async () => {
  const { body: p } = await api('POST', '/v1/priority-traffic', {
    name: `Narrow ${run}`, kind: 'ambulance', route: [{ lat: 30.9, lon: 121.93 }], speed_mps: 0, radius_m: 800, clear_in_s: 180,
  });
  await withPriority(of.carl, { locale: 'zh-CN', scheme: 'light', narrow: true }, async (page) => {
    const one = page.locator(`section[data-priority="${p.id}"]`);
    await one.locator('tr[data-how]').first().waitFor();
    await clean(page, 'narrow');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390, 'the page itself does not scroll sideways');
    await one.getByTestId('priority-end').click();
    await one.waitFor({ state: 'detached' });
  });
});
