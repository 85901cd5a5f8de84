// The end of a flight: one controller proposes it on the card, another one sees it
// wherever they look, types the name and holds the button; withdrawn by keyboard in
// Chinese on a narrow page.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { clean, enter, person } from '../accounts/people.mjs';
import { tabTo } from './fences.mjs';
import { newest } from './orders.mjs';
import { api, ready, withPage } from './page.mjs';

const run = Date.now().toString(36);
const of = {};
const SLOW = { timeout: 60_000 };

before(async () => {
  await api('POST', '/v1/organisations', { id: `end-${run}`, kind: 'authority', name: 'Zone' });
  of.carl = await person(`ecarl-${run}`, 'Carl Controller', `end-${run}`, ['controller']);
  of.cora = await person(`ecora-${run}`, 'Cora Controller', `end-${run}`, ['controller']);
});

/** A copter that flies and that nobody controls. */
async function flying() {
  for (let tries = 0; tries < 120; tries++) {
    const { body } = await api('GET', '/v1/tracks?limit=200');
    for (const v of body.items.filter((w) => w.id.startsWith('copter-') && w.verified && w.armed && w.phase === 'moving')) {
      if (!(await api('GET', `/v1/vehicles/${v.id}/orders`)).body.lease) return v.id;
    }
    await new Promise((done) => setTimeout(done, 500));
  }
  return assert.fail('no copter flies');
}

/** One that Carl holds where it is: it would land at the end of its round. */
async function hovering() {
  const id = await flying();
  await of.carl.call('POST', `/v1/vehicles/${id}/orders`, { kind: 'hold' });
  for (let tries = 0; (await newest(id)).state !== 'in_effect'; tries++) {
    assert.ok(tries < 240, `${id} is not held: ${JSON.stringify(await newest(id))}`);
    await new Promise((done) => setTimeout(done, 250));
  }
  return id;
}

const asPerson = (who, options, body) => withPage(options, async (page) => {
  if (options.narrow) await page.setViewportSize({ width: 390, height: 844 });
  await enter(page, who.login);
  await ready(page);
  await body(page);
});

test('two people end a flight', async () => {
  const id = await hovering();
  await asPerson(of.cora, {}, async (cora) => {
    await asPerson(of.carl, { query: `?sel=${id}`, allow: /409/ }, async (carl) => {
      await carl.getByTestId('end-begin').click(SLOW);
      const dialog = carl.getByTestId('end-dialog');
      await dialog.getByText('nobody surveyed it').waitFor();
      await carl.getByTestId('end-prospect').getByText('not above ground').waitFor();
      await clean(carl, 'the preview');
      assert.ok(await carl.getByTestId('end-propose').isDisabled(), 'without a name');
      await carl.fill('[name=end_reason]', `it flies at people ${run}`);
      await carl.fill('[name=end_vehicle]', `${id}x`);
      assert.ok(await carl.getByTestId('end-propose').isDisabled(), 'with another name');
      await carl.fill('[name=end_vehicle]', id);
      await carl.getByTestId('end-propose').click();
      await carl.getByTestId('end-open').getByText(/Another controller confirms within \d+ s/).waitFor();
      assert.equal(await carl.getByTestId('end-look').count(), 0, 'who proposed does not confirm');
      await clean(carl, 'proposed');

      const call = cora.getByTestId('end-call');
      await call.getByText(`it flies at people ${run}`).waitFor(SLOW);
      await clean(cora, 'called');
      await call.locator('button').click();
      await cora.getByTestId('end-look').click(SLOW);
      await cora.getByTestId('end-prospect').waitFor();
      assert.equal(await cora.getByTestId('end-confirm').count(), 0, 'without the name typed');
      await cora.fill('[name=end_vehicle]', id);
      await clean(cora, 'confirming');
      await cora.getByTestId('end-confirm').hover();
      const sent = cora.waitForRequest((r) => r.method() === 'POST' && r.url().endsWith('/confirm'));
      await cora.mouse.down();
      await sent;
      await cora.mouse.up();
      for (const page of [cora, carl]) await page.locator('[data-kind=terminate][data-state=in_effect]').waitFor(SLOW);
      await cora.getByTestId('end-dialog').waitFor({ state: 'detached' });
      await call.waitFor({ state: 'detached' });
      await clean(carl, 'ended');
      const { body } = await api('GET', `/v1/vehicles/${id}/terminations`);
      const [p] = body.items;
      assert.deepEqual([p.state, p.proposed_by, p.confirmed_by, p.order.state, p.order.person, p.order.confirmed_by],
        ['confirmed', of.carl.id, of.cora.id, 'in_effect', of.carl.id, of.cora.id]);
    });
  });
});

test('keyboard, Chinese, narrow: a proposal is withdrawn', async () => {
  const id = await hovering();
  await asPerson(of.carl, { query: `?sel=${id}`, locale: 'zh-CN', scheme: 'light', narrow: true }, async (page) => {
    await page.getByTestId('end-begin').waitFor(SLOW);
    await tabTo(page, 'skip-card'); // over the list of alerts, which is long on a bad day
    await page.keyboard.press('Enter');
    await tabTo(page, 'end-begin');
    await page.keyboard.press('Enter');
    await page.getByText('无人勘察过').waitFor();
    await clean(page, 'preview');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390, 'the page itself does not scroll sideways');
    await page.keyboard.press('Escape');
    await page.getByTestId('end-dialog').waitFor({ state: 'detached' });
    await page.locator('[data-testid=end-begin]:focus').waitFor(); // where it was
    await page.keyboard.press('Enter');
    await page.locator('[name=end_reason]').focus();
    await page.keyboard.type(`演练 ${run}`);
    await page.keyboard.press('Tab');
    await page.keyboard.type(id);
    await page.keyboard.press('Enter');
    await page.getByTestId('end-open').getByText('须在').waitFor();
    await page.locator('[data-testid=end-panel]:focus-within').waitFor(); // beside what was proposed
    await tabTo(page, 'end-withdraw');
    await page.keyboard.press('Enter');
    await page.getByTestId('end-begin').waitFor(SLOW);
    const { body } = await api('GET', `/v1/vehicles/${id}/terminations`);
    assert.deepEqual([body.items[0].state, body.items[0].order], ['withdrawn', null]);
  });
});
