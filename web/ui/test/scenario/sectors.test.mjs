// Sectors: they are on the map with who is on duty for them, an alert says in which it
// began, and the list of alerts shows those of one's own, and never hides a critical one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../accounts/people.mjs';
import { tabTo } from '../browser/fences.mjs';
import { api } from '../browser/page.mjs';
import { SLOW, at, clean, does, shot } from './stage.mjs';

const rows = (page) => page.locator('[data-alert]').evaluateAll((l) => l.map((r) => r.textContent));

test('alerts and map by sector', () => at('ada', {}, async (page) => {
  await page.getByTestId('sector-overlay').waitFor(SLOW);
  assert.equal(await page.locator('[data-sector][data-uncovered=true]').count(), 3, 'nobody is on duty yet');
  assert.equal(await page.getByTestId('alerts-mine').count(), 0, 'who is not on duty has no sectors');
  await shot(page, 'sectors-1-uncovered');
  await clean(page, 'uncovered');

  await page.getByTestId('desk').click();
  await open(page, 'zone');
  await page.getByRole('checkbox', { name: 'Far' }).check();
  await page.getByTestId('duty-on').click();
  await page.locator('[data-duty]').waitFor(SLOW);
  await page.getByTestId('desk').click();
  await page.locator('[data-sector=far][data-uncovered=false]', { hasText: 'ADA' }).waitFor(SLOW);
  await page.locator('[data-sector=west][data-uncovered=true]', { hasText: 'NO CONTROLLER' }).waitFor(SLOW);
  await shot(page, 'sectors-2-on-duty');
  await clean(page, 'on duty');

  // A link that is lost is a warning, and a breach is critical; both outside of Far.
  await does('uav-1', 'link silent');
  const lost = page.locator('[data-alert]', { hasText: 'The uav-1' }).first();
  await lost.waitFor(SLOW);
  const { lon, lat } = (await api('GET', '/v1/tracks/uav-3')).body.position;
  await api('POST', '/v1/fences', {
    name: 'Pier', kind: 'keep_out', response: 'warn', geometry: { type: 'Point', coordinates: [lon, lat] }, radius_m: 300, floor: null, ceiling: null, applies: { classes: ['uav'], vehicles: ['uav-3'] },
  });
  await page.locator('[data-alert]', { hasText: 'Pier' }).first().waitFor(SLOW);
  const warnings = (await api('GET', '/v1/alerts?sector=west,east')).body.items;
  assert.ok(warnings.some((a) => a.type === 'link_lost') && warnings.every((a) => a.sectors.length > 0));
  assert.deepEqual((await api('GET', '/v1/alerts?sector=far')).body.items, [], 'nothing began there');

  await tabTo(page, 'alerts-mine');
  await page.keyboard.press('Enter');
  await lost.waitFor({ state: 'detached' });
  for (const text of await rows(page)) assert.match(text, /Critical/, 'what is critical is never hidden');
  await page.locator('[data-testid=alerts-hidden]', { hasText: 'Critical ones never are' }).waitFor();
  await shot(page, 'sectors-3-mine');
  await clean(page, 'my sectors');
  await page.getByTestId('alerts-all').click();
  await lost.waitFor();

  await lost.locator('button[aria-expanded]').click();
  await page.getByTestId('alert-panel').getByText('Began in sector').waitFor();
  await page.getByTestId('layers').click();
  await page.getByTestId('layer-sectors').uncheck();
  await page.getByTestId('sector-overlay').waitFor({ state: 'detached' });
  await page.getByTestId('layer-sectors').check();
  await page.getByTestId('sector-overlay').waitFor();
  await page.getByTestId('lang').click();
  await page.locator('[data-sector=west]', { hasText: '无管制员' }).waitFor(SLOW);
  await page.getByTestId('theme').click();
  await shot(page, 'sectors-4-zh');
  await clean(page, 'in Chinese');
}));
