// What is done about a breach, on the card of a vehicle: a fence that asks to hold is
// drawn around a boat, the steps show, and a controller lets it be and has it go on.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { clean, enter, person } from '../accounts/people.mjs';
import { tabTo } from './fences.mjs';
import { api, ready, withPage } from './page.mjs';

const run = Date.now().toString(36);
const of = {};
const SLOW = { timeout: 90_000 };

before(async () => {
  await api('POST', '/v1/organisations', { id: `zone-l-${run}`, kind: 'authority', name: 'Zone' });
  of.carl = await person(`carl-l-${run}`, 'Carl Controller', `zone-l-${run}`, ['controller']);
  of.olga = await person(`olga-l-${run}`, 'Olga Observer', `zone-l-${run}`, ['observer']);
});

/** A boat under way that nobody has ordered about, in a fence of its own that asks to hold. */
async function breaching() {
  for (let tries = 0; tries < 120; tries++) {
    const { body } = await api('GET', '/v1/tracks?limit=200');
    for (const v of body.items.filter((w) => w.id.startsWith('boat-') && w.verified && w.phase === 'moving')) {
      if ((await api('GET', `/v1/vehicles/${v.id}/orders`)).body.items.length > 0) continue;
      const { lat, lon } = v.position;
      const ring = [[lon - 0.01, lat - 0.01], [lon + 0.01, lat - 0.01], [lon + 0.01, lat + 0.01], [lon - 0.01, lat + 0.01], [lon - 0.01, lat - 0.01]];
      const fence = await api('POST', '/v1/fences', {
        name: `Quay ${run}`, kind: 'keep_out', response: 'hold', geometry: { type: 'Polygon', coordinates: [ring] },
        floor: null, ceiling: null, applies: { classes: [], vehicles: [v.id] },
      });
      return { id: v.id, fence: fence.body.id };
    }
    await new Promise((done) => setTimeout(done, 500));
  }
  return assert.fail('no boat is under way');
}
const withCard = (who, id, options, body) => withPage({ ...options, query: `?sel=${id}` }, async (page) => {
  await enter(page, who.login);
  await ready(page);
  await page.getByTestId('ladder').waitFor(SLOW);
  await body(page);
});
const is = (page, state) => page.locator(`[data-testid=ladder][data-state=${state}]`).waitFor(SLOW);
const newest = async (id) => (await api('GET', `/v1/vehicles/${id}/enforcement`)).body.items[0];

test('a breach is enforced, let be by mouse, and enforced on by keys in Chinese', async () => {
  const { id, fence } = await breaching();
  await withCard(of.carl, id, {}, async (page) => {
    await is(page, 'in_effect');
    assert.match(await page.locator('[data-step=hold][data-outcome=in_effect] .order-steps').innerText(), /evidence.*sent \+\d.*accepted \+\d.*in effect \+\d+\.?\d* m?s/s);
    assert.match(await page.getByTestId('ladder').innerText(), new RegExp(`Quay ${run} · asks: HOLD · in effect`));
    await clean(page, 'enforced');

    await page.getByTestId('ladder-let_be').hover();
    await page.mouse.down();
    await page.getByText('Say why first.').waitFor();
    await page.mouse.up();
    assert.equal((await newest(id)).decision, null, 'no decision without a reason');
    await page.getByTestId('ladder-reason').fill(`it may stay ${run}`);
    await page.getByTestId('ladder-let_be').hover();
    await page.mouse.down();
    await is(page, 'let_be');
    await page.mouse.up();
    const l = await newest(id);
    assert.deepEqual([l.decision.decision, l.decision.reason, l.decision.by], ['let_be', `it may stay ${run}`, of.carl.id]);
    await clean(page, 'let be');
  });
  await withCard(of.carl, id, { locale: 'zh-CN', scheme: 'light' }, async (page) => {
    await is(page, 'let_be');
    await page.getByTestId('ladder-reason').fill('继续');
    await tabTo(page, 'ladder-continue');
    await page.keyboard.down('Enter');
    await is(page, 'in_effect');
    await page.keyboard.up('Enter');
    await page.getByTestId('ladder').getByText('决定：继续处置').waitFor();
    await clean(page, 'enforced on');
  });
  await withCard(of.olga, id, {}, async (page) => {
    assert.equal(await page.getByTestId('ladder-reason').count(), 0, 'an observer decides nothing');
    const { rev } = (await api('GET', `/v1/fences/${fence}`)).body;
    await api('DELETE', `/v1/fences/${fence}`, undefined, { 'If-Match': `"${rev}"` });
    await is(page, 'ended');
    await clean(page, 'over');
  });
});
