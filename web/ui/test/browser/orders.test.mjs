// Orders on the card of a vehicle, against vehicles that sign and obey: HOLD by mouse
// and RESUME, the same by keys, control taken over from somebody else.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { clean, person } from '../accounts/people.mjs';
import { tabTo } from './fences.mjs';
import { holdByMouse, inEffect, newest, onItsWay, ordered, withCard } from './orders.mjs';
import { api } from './page.mjs';

const run = Date.now().toString(36);
const of = {};

before(async () => {
  await api('POST', '/v1/organisations', { id: `zone-${run}`, kind: 'authority', name: 'Zone' });
  of.carl = await person(`carl-${run}`, 'Carl Controller', `zone-${run}`, ['controller']);
  of.cora = await person(`cora-${run}`, 'Cora Controller', `zone-${run}`, ['controller']);
});

/** A press that is too short, however busy the machine is. */
const tooShort = (page, kind, events) => page.getByTestId(`order-${kind}`).evaluate((b, [type, down, up, init]) => {
  for (const name of [down, up]) b.dispatchEvent(new window[type](name, { bubbles: true, cancelable: true, ...init }));
}, events);
const CLICK = ['PointerEvent', 'pointerdown', 'pointerup', { button: 0 }];
const KEY = ['KeyboardEvent', 'keydown', 'keyup', { key: ' ' }];

test('mouse: a copter is held and goes on; a click alone orders nothing', async () => {
  const id = await onItsWay('copter-');
  await withCard(of.carl, id, {}, async (page) => {
    await page.getByTestId('order-buttons').waitFor();
    assert.deepEqual(await page.getByTestId('order-buttons').locator('button').evaluateAll((l) => l.map((e) => e.dataset.testid)),
      ['order-hold', 'order-stop', 'order-return', 'order-land']);
    await clean(page, 'orders');
    await tooShort(page, 'hold', CLICK);
    await page.getByText('HOLD: keep pressed').waitFor();
    await clean(page, 'a click');
    assert.equal(await newest(id), undefined, 'a click is no order');

    await page.getByTestId('order-reason').fill(`helicopter ${run}`);
    assert.match((await holdByMouse(page, id, 'hold')).headers()['idempotency-key'], /^[0-9a-f]{32}$/);
    await inEffect(page, 'hold');
    await page.locator('[data-testid=lease][data-mine=true]').waitFor();
    const hold = await newest(id);
    assert.deepEqual([hold.kind, hold.state, hold.reason, hold.person, hold.zone], ['hold', 'in_effect', `helicopter ${run}`, of.carl.id, true]);
    const steps = page.locator(`[data-order="${hold.id}"] .order-steps`);
    assert.match(await steps.innerText(), /asked.*sent \+\d.*accepted \+\d.*in effect \+\d+\.?\d* m?s/s);
    await clean(page, 'held');

    await holdByMouse(page, id, 'resume');
    await inEffect(page, 'resume');
    await page.getByTestId('order-resume').waitFor({ state: 'detached' });
    assert.equal((await newest(id)).ends, hold.id);
    await page.getByTestId('lease-give-up').click();
    await page.getByTestId('lease-take').waitFor();
  });
});

test('keyboard: a car is stopped and goes on, in Chinese, on a narrow page', async () => {
  const id = await onItsWay('car-');
  await withCard(of.carl, id, { locale: 'zh-CN', scheme: 'light', narrow: true }, async (page) => {
    await page.getByTestId('order-buttons').waitFor();
    assert.equal(await page.getByTestId('order-land').count(), 0, 'a car does not land');
    await clean(page, 'orders');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390, 'the page itself does not scroll sideways');
    await tabTo(page, 'order-stop');
    const stop = ordered(page, id);
    await page.keyboard.down('Enter');
    await stop;
    await page.keyboard.up('Enter');
    await inEffect(page, 'stop');
    await page.locator('.order-state', { hasText: '已生效' }).waitFor();
    await page.getByTestId('order-resume').waitFor();
    await clean(page, 'stopped');

    await tabTo(page, 'order-resume');
    await tooShort(page, 'resume', KEY);
    await page.getByText('继续任务：再按一次').first().waitFor();
    assert.equal((await newest(id)).kind, 'stop', 'one press of a key is no order');
    await page.waitForTimeout(300); // sooner it is a key that bounces
    await page.keyboard.press('Space');
    await inEffect(page, 'resume');
    await page.locator('[data-testid=orders]:focus').waitFor();
  });
});

test('control is taken over with a reason, and what is refused is said in words', async () => {
  const id = await onItsWay('boat-');
  await of.carl.call('PUT', `/v1/vehicles/${id}/lease`, {});
  await withCard(of.cora, id, { allow: /409/ }, async (page) => {
    await page.getByText('Somebody else has the control').waitFor();
    assert.equal(await page.getByTestId('order-buttons').count(), 0);
    await clean(page, 'of somebody else');
    await page.getByTestId('lease-take-over').click();
    await page.locator('[name=lease_reason]').fill(`shift ${run}`);
    await clean(page, 'taking over');
    await page.getByTestId('lease-take-over-sure').click();
    await page.locator('[data-testid=lease][data-mine=true]').waitFor();
    const { lease } = (await api('GET', `/v1/vehicles/${id}/orders`)).body;
    assert.deepEqual([lease.holder, lease.from, lease.reason], [of.cora.id, of.carl.id, `shift ${run}`]);
    await page.getByTestId('order-buttons').waitFor();

    // It is taken over again while the button is pressed: before, the live channel
    // would tell the page, which then has no button.
    await page.route(/\/orders\?dry_run=true/, async (route) => {
      await of.carl.call('PUT', `/v1/vehicles/${id}/lease`, { take_over: true });
      await route.continue();
    });
    await page.getByTestId('order-return').hover();
    await page.mouse.down();
    await page.getByRole('alert').filter({ hasText: `${of.carl.id} has the control` }).waitFor();
    await page.mouse.up();
    assert.equal(await newest(id), undefined, 'what the dry run refuses is not sent');
  });
  await of.carl.call('DELETE', `/v1/vehicles/${id}/lease`);
});
