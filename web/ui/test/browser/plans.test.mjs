// What a vehicle carries, on its card: the zone's fences are sent by holding a button,
// read back, and stale when the zone has another one.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { clean, enter, person } from '../accounts/people.mjs';
import { api, withPage } from './page.mjs';

const run = Date.now().toString(36);
const of = {};
const SLOW = { timeout: 120_000 };
const fences = (id, more = '') => `/v1/vehicles/${id}/plans/fence${more}`;
const zone = { from: 'zone', moving: true };

before(async () => {
  await api('POST', '/v1/organisations', { id: `plans-${run}`, kind: 'authority', name: 'Zone' });
  of.carl = await person(`plan-carl-${run}`, 'Carl Controller', `plans-${run}`, ['controller']);
});

/** A vehicle that could carry the zone's fences now, and that nobody controls. */
async function couldCarry() {
  for (let tries = 0; tries < 60; tries++) {
    for (const v of (await api('GET', '/v1/tracks?limit=200')).body.items.filter((w) => w.verified)) {
      if ((await api('GET', `/v1/vehicles/${v.id}/orders`)).body.lease) continue;
      const tried = await of.carl.call('PUT', fences(v.id, '?dry_run=true'), zone).catch(() => null); // its link is lost
      if (tried?.faults.length === 0) return v.id;
    }
    await new Promise((done) => setTimeout(done, 1000));
  }
  return assert.fail('no vehicle could carry the fences of the zone');
}

const shows = (page, state) => page.locator(`[data-plan=fence][data-state=${state}]`).waitFor(SLOW);

test('the zone’s fences are sent, read back and go stale', async () => {
  const id = await couldCarry();
  await withPage({ query: `?sel=${id}` }, async (page) => {
    await enter(page, of.carl.login);
    const panel = page.getByTestId('plan-panel');
    await shows(page, 'unknown');
    await clean(page, 'nothing is known');

    // A vehicle on its way needs the word that this is meant.
    const moving = page.getByTestId('plan-moving');
    if (await moving.count() > 0) await moving.press('Space');
    await page.getByTestId('plan-upload').focus();
    await page.keyboard.down('Enter');
    const sent = page.waitForResponse((r) => r.request().method() === 'PUT' && r.url().endsWith(fences(id)));
    assert.equal((await sent).status(), 202);
    await page.keyboard.up('Enter');
    await shows(page, 'in_step');
    const carried = (await api('GET', fences(id))).body;
    assert.deepEqual([carried.state, carried.person, carried.source, carried.known], ['in_step', of.carl.id, 'zone', true]);
    await panel.getByTestId('plan-parts').locator('summary').press('Enter');
    assert.equal(await panel.getByTestId('plan-parts').locator('li').count(), carried.parts.length);
    // It is drawn over the map, and its items are listed.
    await page.locator('[data-carried=fence][data-state=in_step]').waitFor(SLOW);
    await page.getByTestId('plan-carried').locator('summary').press('Enter');
    assert.equal(await page.getByTestId('carried-items-fence').locator('tbody tr').count(), Math.min(carried.items.length, 200));
    assert.match(await page.getByTestId('plan-export').getAttribute('href'), /plans\/file\?format=plan$/);
    await clean(page, 'in step');

    await page.getByTestId('read-fence').press('Enter');
    await shows(page, 'in_step');

    const at = [121.9, 30.86];
    const { body: fence } = await api('POST', '/v1/fences', {
      name: `plans ${run}`, kind: 'keep_out', geometry: { type: 'Polygon', coordinates: [[at, [at[0] + 0.001, at[1]], [at[0], at[1] + 0.001], at]] },
    });
    await shows(page, 'stale');
    await panel.getByText(`plans ${run}`).first().waitFor();
    await clean(page, 'stale');
    await api('DELETE', `/v1/fences/${fence.id}`, undefined, { 'If-Match': `"${fence.rev}"` });
    await shows(page, 'in_step');
  });
});

test('a plan of a file is judged item by item before it is sent', async () => {
  const id = await couldCarry();
  const { latitude_deg: lat, longitude_deg: lon } = (await api('GET', `/v1/tracks/${id}`)).body.fix ?? {};
  const at = typeof lat === 'number' ? [lat, lon] : [30.9, 121.93];
  const line = (n, command, [x, y]) => `${n}\t0\t3\t${command}\t0\t0\t0\t0\t${x}\t${y}\t40\t1\n`;
  const file = (name, text) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
  // 409: it moves, and nobody said that its plan shall change meanwhile.
  await withPage({ query: `?sel=${id}`, allow: /409|422/ }, async (page) => {
    await enter(page, of.carl.login);
    const box = page.getByTestId('plan-file');
    await box.locator('summary').first().press('Enter');
    // The second item is far outside of the zone, or beyond a fence: it is named.
    await page.getByTestId('plan-file-input').setInputFiles(file('a.waypoints', `QGC WPL 110\n${line(0, 16, at)}${line(1, 16, [at[0] + 3, at[1] + 3])}`));
    await box.locator('[data-file-kind=mission]').waitFor(SLOW);
    assert.equal(await page.getByTestId('file-items-mission').locator('tbody tr').count(), 2);
    await box.locator('[data-file-kind=mission] [role=status]:not(:empty), [data-file-kind=mission] [role=alert]:not(:empty)').first().waitFor(SLOW);
    await clean(page, 'a file');
    await page.getByTestId('plan-file-input').setInputFiles(file('b.waypoints', `QGC WPL 110\n${line(0, 16, [121.9, 30.9])}`));
    await box.getByText('longitude comes first').waitFor(SLOW);
    assert.equal(await box.locator('[data-file-kind]').count(), 0);
    await clean(page, 'a file that cannot be read');
  });
});
