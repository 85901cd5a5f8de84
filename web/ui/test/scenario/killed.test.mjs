// kill -9 in the middle of the ladder, with the page open: the page says that it is blind,
// comes back by itself, and shows the ladder as it stands and why nothing is ordered yet.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api } from '../browser/page.mjs';
import { SLOW, at, clean, hold, kill, sent, serve, shot, signIn } from './stage.mjs';

const around = async (id) => {
  const { lat, lon } = (await api('GET', `/v1/tracks/${id}`)).body.position;
  const ring = [[lon - 0.005, lat - 0.005], [lon + 0.005, lat - 0.005], [lon + 0.005, lat + 0.005], [lon - 0.005, lat + 0.005], [lon - 0.005, lat - 0.005]];
  await api('POST', '/v1/fences', { name: `Over ${id}`, kind: 'keep_out', response: 'hold', geometry: { type: 'Polygon', coordinates: [ring] }, floor: null, ceiling: null, applies: { classes: [], vehicles: [id] } });
};
const state = (page, s) => page.locator(`[data-testid=ladder][data-state=${s}]`).waitFor(SLOW);

// Chromium reports each try of the page to come back.
test('the page after a kill -9', () => at('ada', { query: '?sel=uav-1', allow: /ERR_CONNECTION|Failed to load resource|WebSocket/ }, async (page) => {
  await api('POST', '/v1/enforcement/confirm', { reason: 'all vehicles are where they are shown' });
  await around('uav-3');
  for (let tries = 0; (await api('GET', '/v1/vehicles/uav-3/enforcement')).body.items[0]?.state !== 'in_effect'; tries++) {
    assert.ok(tries < 600, 'uav-3 holds');
    await page.waitForTimeout(200);
  }
  await around('uav-1');
  await page.locator('[data-step=hold][data-outcome=accepted]').waitFor(SLOW);
  await kill();
  const start = Date.now();
  await page.waitForFunction(() => window.__tz.connection().stopped, null, SLOW);
  await page.getByText('LIVE DATA STOPPED').first().waitFor(SLOW);
  await page.getByTestId('enforcement-unknown').waitFor(SLOW);
  await shot(page, 'killed-1-blind');

  await serve();
  await Promise.race([page.locator('#login, #token').first().waitFor(SLOW), page.waitForFunction(() => window.__tz.connection().state === 'live', null, SLOW)]);
  await shot(page, 'killed-2-back');
  if (await page.locator('#login, #token').count()) await signIn(page, 'ada');
  await state(page, 'held_back');
  assert.equal((await sent('uav-1', start)).length, 0, 'nothing is ordered after the start');
  await page.getByTestId('ladder').getByText('the server restarted').waitFor();
  await page.locator('[data-step=hold]').first().waitFor();
  await shot(page, 'killed-3-ladder');
  await clean(page, 'after the restart');

  await page.getByTestId('ladder-reason').fill('both copters are where they are shown');
  await hold(page, 'ladder-confirm', () => page.locator('[data-step=return]').waitFor(SLOW));
  await state(page, 'exhausted');
  await page.getByTestId('ladder-call').waitFor();
  await shot(page, 'killed-4-exhausted');
  assert.equal((await sent('uav-3', start)).length, 0, 'who held is not ordered again');
  assert.equal((await api('GET', '/v1/vehicles/uav-3/enforcement')).body.items[0].state, 'in_effect');
}));
