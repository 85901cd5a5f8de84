// The map moves, vehicles are painted where they are, a breach raises an alert, and
// it can be acknowledged by mouse and by keyboard alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, breach, ready, signIn, token, vehiclePixels, withPage } from './page.mjs';

/** The vehicle canvas is transparent but for the vehicles, and this one is on it. */
async function assertPainted(page) {
  const v = await page.evaluate(() => window.__tz.vehicles().find((u) => u.px && u.px[0] > 80 && u.px[1] > 80));
  const pixels = await vehiclePixels(page, v.id);
  assert.ok(pixels, 'the vehicle canvas was drawn');
  assert.ok(pixels.centre[3] > 200, `the symbol of ${v.id} is opaque at its centre: ${pixels.centre}`);
  const bright = pixels.square.some((_, i, a) => i % 4 === 0 && a[i + 3] > 200 && Math.max(a[i], a[i + 1], a[i + 2]) > 120);
  assert.ok(bright, 'its outline has the colour of its state');
  assert.ok(pixels.share < 0.2, `most of the canvas is transparent: ${pixels.share}`);
}

test('the demo map moves', async () => {
  await withPage({}, async (page) => {
    await signIn(page);
    assert.equal(await page.evaluate(() => window.__tz.map().renderer), 'webgl2');
    const where = () => page.evaluate(() => Object.fromEntries(window.__tz.vehicles().map((v) => [v.id, [v.lon, v.lat]])));
    const before = await where();
    assert.ok(Object.keys(before).length >= 10, 'about 20 vehicles');
    const moved = (now) => Object.keys(before).filter((id) => now[id] && String(now[id]) !== String(before[id]));
    await assert.doesNotReject(
      page.waitForFunction((old) => window.__tz.vehicles().filter((v) => old[v.id] && String([v.lon, v.lat]) !== String(old[v.id])).length >= 5, before),
      'at least five vehicles move',
    );
    assert.ok(moved(await where()).length >= 5);
    await assertPainted(page);
    const classes = await page.evaluate(() => [...new Set(window.__tz.vehicles().map((v) => v.class))].filter((c) => c !== 'aircraft').sort());
    assert.deepEqual(classes, ['icv', 'uav', 'usv']);
  });
});

test('a lost WebGL context comes back, and lost twice the page draws without it', async () => {
  await withPage({}, async (page) => {
    await signIn(page);
    const lose = () => page.evaluate(() => {
      const gl = document.querySelector('.overlay canvas').getContext('webgl2');
      const ext = gl.getExtension('WEBGL_lose_context');
      ext.loseContext();
      window.restoreContext = () => ext.restoreContext();
    });
    await lose();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => (window.restoreContext(), requestAnimationFrame(done)))));
    await assertPainted(page);
    await lose();
    await page.waitForFunction(() => window.__tz.map().renderer === 'canvas2d');
    await assertPainted(page);
  });
});

test('without WebGL the zone, its fences and vehicles are still drawn', async () => {
  await withPage({ args: ['--disable-3d-apis'] }, async (page) => {
    await signIn(page);
    await page.waitForFunction(() => window.__tz.map().renderer === 'canvas2d');
    await assertPainted(page);
    await page.getByText('no WebGL2').waitFor();
  });
});

test('a breach raises an alert; the mouse acknowledges it', async () => {
  await withPage({}, async (page) => {
    await signIn(page);
    const { id, row, remove } = await breach(page, 'mouse test');
    try {
      assert.equal(await row.getAttribute('data-acknowledged'), 'false');
      await page.waitForFunction(() => window.__tz.sound().state === 'on' && window.__tz.sound().tones > 0);
      await row.getByTestId('acknowledge').click();
      await page.waitForFunction((a) => window.__tz.alerts().find((x) => x.id === a)?.acknowledged ?? true, id);
      const { body: alert } = await api('GET', `/v1/alerts/${id}`);
      assert.equal(alert.type, 'fence_breach');
      assert.ok(alert.acknowledged?.by, 'the server knows who');
    } finally {
      await remove();
    }
    // Cleared and acknowledged: it leaves the strip.
    await row.waitFor({ state: 'detached', timeout: 10_000 });
  });
});

test('keyboard only: from sign-in to the acknowledged alert', async () => {
  await withPage({}, async (page) => {
    const key = (k) => page.keyboard.press(k);
    await page.locator('#token:focus').waitFor();
    await page.keyboard.type(token);
    await key('Enter');
    await ready(page);
    const { id, remove } = await breach(page, 'keyboard test');
    try {
      const focused = () => page.evaluate(() => document.activeElement?.dataset.alert ?? null);
      for (let i = 0; i < 50 && (await focused()) !== id; i++) await key('n');
      assert.equal(await focused(), id, 'n reaches the alert');
      await key('Enter');
      await page.getByTestId('alert-panel').waitFor();
      assert.match(await page.getByTestId('alert-panel').innerText(), /keyboard test/);
      await key('Space');
      await page.waitForFunction((a) => window.__tz.alerts().find((x) => x.id === a)?.acknowledged ?? true, id);
      assert.ok((await api('GET', `/v1/alerts/${id}`)).body.acknowledged);
      await key('Escape');
      await page.getByTestId('alert-panel').waitFor({ state: 'detached' });
    } finally {
      await remove();
    }
    await key('/');
    await page.waitForFunction(() => document.activeElement?.id === 'search');
    await page.keyboard.type('?q');
    assert.match(page.url(), /q=%3Fq/, 'the filter is in the address; shortcuts rest in text fields');
    await key('Escape');
    await key('?');
    await page.locator('dialog[open]').waitFor();
  });
});

test('the selection card follows a vehicle that was picked on the map', async () => {
  await withPage({}, async (page) => {
    await signIn(page);
    const pane = await page.locator('.map').boundingBox();
    // A vehicle alone in its place, so that the click can mean only this one.
    const v = await page.evaluate(() => {
      const all = window.__tz.vehicles().filter((u) => u.px);
      const inside = all.filter((u) => u.px[0] > 80 && u.px[0] < 480 && u.px[1] > 60 && u.px[1] < 540);
      const room = (u) => Math.min(...all.filter((o) => o !== u).map((o) => Math.hypot(o.px[0] - u.px[0], o.px[1] - u.px[1])));
      return inside.sort((a, b) => room(b) - room(a))[0];
    });
    await page.mouse.click(pane.x + v.px[0], pane.y + v.px[1]);
    const card = page.getByTestId('card');
    await card.locator('.enforcement').waitFor();
    const { body: track } = await api('GET', `/v1/tracks/${encodeURIComponent(v.id)}`);
    const text = await card.innerText();
    assert.ok(text.includes(track.source.address), text);
    if (!track.verified) assert.match(text, /UNVERIFIED/);
    assert.match(page.url(), new RegExp(`sel=${encodeURIComponent(v.id)}`));
    await page.keyboard.press('f');
    await page.waitForFunction((id) => {
      const u = window.__tz.vehicles().find((x) => x.id === id);
      const box = document.querySelector('.map').getBoundingClientRect();
      return u?.px && Math.hypot(u.px[0] - box.width / 2, u.px[1] - box.height / 2) < 20;
    }, v.id);
  });
});

test('a wrong token is refused and says so', async () => {
  await withPage({ allow: /401/ }, async (page) => {
    await page.fill('#token', 'tz_wrong');
    await page.click('button[type=submit]');
    await page.getByRole('alert').filter({ hasText: 'not valid' }).waitFor();
  });
});

test('signing out ends the session', async () => {
  await withPage({}, async (page, context) => {
    await signIn(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.locator('#token').waitFor();
    assert.deepEqual((await context.cookies()).filter((c) => c.name.includes('session') && c.value), []);
  });
});
