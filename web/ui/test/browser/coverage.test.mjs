// For whom fences are enforced: the count in the top bar and its page, the layer of
// the map, and that orders and the state of the zone come without being asked for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clean } from '../accounts/people.mjs';
import { tabTo } from './fences.mjs';
import { api, signIn, stray, withPage } from './page.mjs';

const SLOW = { timeout: 60_000 };
/** Requests that the page makes from now on, by path. */
function requests(page, pattern) {
  const seen = [];
  page.on('request', (r) => {
    const { pathname } = new URL(r.url());
    if (pattern.test(pathname)) seen.push(`${r.method()} ${pathname}`);
  });
  return seen;
}
/**
 * Whether a red ring stands around the vehicle at a place. Only the circle of the ring
 * is looked at: labels of vehicles in alarm are red too, and come and go by themselves.
 */
const ringed = (page, { lon, lat }) => page.evaluate((at) => {
  const v = window.__tz.vehicles().find((u) => u.px && Math.abs(u.lon - at.lon) < 1e-4 && Math.abs(u.lat - at.lat) < 1e-4);
  if (!v) throw new Error('the vehicle is not in view');
  const canvas = [...document.querySelectorAll('canvas.overlay')].at(-1);
  const dpr = canvas.width / canvas.clientWidth;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const STEPS = 90;
  let n = 0;
  for (let i = 0; i < STEPS; i++) {
    const angle = (2 * Math.PI * i) / STEPS;
    const [x, y] = [Math.cos(angle), Math.sin(angle)].map((d, k) => Math.floor((v.px[k] + 13 * d) * dpr));
    const p = 4 * (y * canvas.width + x);
    if (data[p] > 240 && data[p + 1] > 60 && data[p + 1] < 110 && data[p + 2] < 100 && data[p + 3] > 200) n++;
  }
  // Two thirds of it are dashes, of which the vehicle's own label may hide a quarter.
  return n > STEPS / 3;
}, { lon, lat });

for (const locale of ['en-GB', 'zh-CN']) {
  test(`who is not covered is counted in the top bar, and listed (${locale})`, async () => {
    const drone = await stray(3);
    try {
      await withPage({ locale }, async (page) => {
        await signIn(page);
        const count = page.getByTestId('not-enforced');
        await count.waitFor(SLOW);
        await page.waitForFunction(async () => {
          const r = await (await fetch('/v1/coverage')).json();
          const shown = Number(/\d+/.exec(document.querySelector('[data-testid=not-enforced]')?.textContent ?? '')?.[0]);
          return r.unverified > 0 && shown === r.not_enforced + r.unverified;
        }, null, SLOW);
        await clean(page, 'top bar');
        if (locale === 'en-GB') await count.click();
        else {
          await tabTo(page, 'not-enforced');
          await page.keyboard.press('Enter');
        }
        await page.getByTestId('coverage-now').waitFor(SLOW);
        await page.locator('tr[data-enforced=false] .tag-danger').first().waitFor(SLOW);
        await clean(page, 'the page of coverage');
      });
    } finally {
      drone.stop();
    }
  });
}

test('the coverage layer is asked for when it is switched on, and rings who is not covered', async () => {
  const drone = await stray(4);
  try {
    await withPage({}, async (page) => {
      await signIn(page);
      await page.getByTestId('not-enforced').waitFor(SLOW);
      const asked = requests(page, /^\/v1\/coverage/);
      await page.getByTestId('layers').click();
      const box = page.getByTestId('layer-coverage');
      await box.waitFor();
      assert.deepEqual(asked, [], 'nothing is asked for before');
      assert.ok(!(await ringed(page, drone)), 'a ring before the layer is shown');
      await box.check();
      for (let tries = 0; !(await ringed(page, drone)); tries++) {
        assert.ok(tries < 100, 'no red ring');
        await page.waitForTimeout(200);
      }
      assert.ok(asked.includes('GET /v1/coverage/grid'));
      await clean(page, 'with the layer');
      await box.uncheck();
      for (let tries = 0; await ringed(page, drone); tries++) {
        assert.ok(tries < 100, 'the ring stays');
        await page.waitForTimeout(200);
      }
    });
  } finally {
    drone.stop();
  }
});

test('orders, control and the state of the zone come without being asked for', async () => {
  let id;
  for (let tries = 0; !id; tries++) {
    assert.ok(tries < 120, 'no car is on its way');
    const { body } = await api('GET', '/v1/tracks?limit=200');
    for (const v of body.items.filter((w) => w.class === 'icv' && w.verified && w.phase === 'moving')) {
      if (!id && (await api('GET', `/v1/vehicles/${v.id}/orders`)).body.items.length === 0) id = v.id;
    }
    if (!id) await new Promise((done) => setTimeout(done, 500));
  }
  await withPage({ query: `?sel=${id}` }, async (page) => {
    const reads = requests(page, /\/orders$/);
    await signIn(page);
    await page.getByTestId('order-panel').getByTestId('lease').waitFor(SLOW);
    const first = reads.length;
    await api('POST', `/v1/vehicles/${id}/orders`, { kind: 'stop', reason: 'live' });
    await page.locator('[data-kind=stop][data-state=in_effect]').waitFor(SLOW);
    const given = (await api('GET', `/v1/vehicles/${id}/orders`)).body;
    await page.getByTestId('lease').getByText(given.lease.holder).or(page.locator('[data-testid=lease][data-mine=true]')).first().waitFor(SLOW);
    await api('POST', `/v1/vehicles/${id}/orders`, { kind: 'resume', ends: given.items[0].id });
    await page.locator('[data-kind=resume][data-state=in_effect]').waitFor(SLOW);
    assert.equal(reads.length, first, `asked again: ${reads}`);
    await api('DELETE', `/v1/vehicles/${id}/lease`);

    const zone = requests(page, /\/v1\/(zone\/|duty)/);
    await page.getByTestId('desk').click();
    await page.locator('#desk-zone').click();
    await page.locator('[data-testid=zone-state][data-state=open]').waitFor(SLOW);
    await page.waitForTimeout(3_500);
    const quiet = zone.length;
    assert.ok(quiet <= 8, `polled: ${zone}`);
    await api('PUT', '/v1/zone/state', { state: 'no_new_starts', reason: 'live' });
    await page.locator('[data-testid=zone-state][data-state=no_new_starts]').waitFor(SLOW);
    const { etag } = await api('GET', '/v1/zone/state');
    await api('PUT', '/v1/zone/state', { state: 'open', reason: 'live' }, { 'If-Match': etag });
    await page.locator('[data-testid=zone-state][data-state=open]').waitFor(SLOW);
  });
});
