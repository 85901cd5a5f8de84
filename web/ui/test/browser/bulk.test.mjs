// One order to several vehicles: previewed, the count typed, the button held, what became
// of each; and who has to be called because nothing could be ordered.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { clean, enter, open, person } from '../accounts/people.mjs';
import { holdUntil, newest, onItsWay, SLOW } from './orders.mjs';
import { api, ready, withPage } from './page.mjs';

const run = Date.now().toString(36);
const of = {};

before(async () => {
  await api('POST', '/v1/organisations', { id: `bulk-${run}`, kind: 'authority', name: 'Zone' });
  of.carl = await person(`bulk-${run}`, 'Carl Bulk', `bulk-${run}`, ['controller']);
});

const withZone = (who, options, body) => withPage(options, async (page) => {
  if (options.narrow) await page.setViewportSize({ width: 390, height: 844 });
  await enter(page, who.login);
  await ready(page, !options.narrow);
  await page.getByTestId('desk').click();
  await open(page, 'zone');
  await body(page);
});

test('two are told to stop: one is ordered, and of the other somebody is called', async () => {
  const copter = await onItsWay('copter-');
  const plane = (await api('GET', '/v1/tracks?limit=200')).body.items.find((v) => v.verified && v.source.mav_type === 1 && v.phase === 'moving').id;
  await withZone(of.carl, {}, async (page) => {
    const bulk = page.getByTestId('bulk');
    await bulk.locator('[name=which]').selectOption('vehicles');
    await bulk.locator('[name=names]').fill(`${copter} ${plane}`);
    await bulk.locator('[name=kind]').selectOption('stop');
    await bulk.locator('[name=bulk-reason]').fill(`drill ${run}`);
    await clean(page, 'chosen');
    await page.getByTestId('bulk-look').click();
    await page.locator('[data-testid=bulk-preview][data-orders="1"]').waitFor();
    await bulk.locator(`tr[data-vehicle="${plane}"]`, { hasText: 'order HOLD' }).waitFor();
    assert.equal(await newest(copter), undefined, 'a preview orders nothing');
    await clean(page, 'previewed');

    await bulk.locator('[name=count]').fill('2');
    assert.equal(await page.getByTestId('bulk-give').count(), 0, 'another count than the preview shows');
    await bulk.locator('[name=count]').fill('1');
    await page.getByTestId('bulk-give').click(); // too short
    assert.equal(await newest(copter), undefined, 'a click is no order');
    await clean(page, 'counted');
    await holdUntil(page, page.getByTestId('bulk-give'), page.getByTestId('bulk-given').waitFor());
    await bulk.locator(`tr[data-vehicle="${copter}"][data-state=in_effect]`).waitFor(SLOW);
    const o = await newest(copter);
    assert.deepEqual([o.kind, o.reason, o.person], ['stop', `drill ${run}`, of.carl.id]);
    await page.locator('[data-testid=bulk-given][data-ended=true]').waitFor(SLOW);
    await clean(page, 'given');

    const call = page.locator(`tr[data-call="${plane}"]`);
    await call.waitFor(SLOW);
    await call.locator('a[href^="tel:"]').waitFor();
    await call.getByTestId('call-not_reached').click();
    await call.getByText(of.carl.id).waitFor(); // who tried, and it stays
    await call.locator('input').fill('flies on, agreed');
    await clean(page, 'a call');
    await call.getByTestId('call-not_needed').click();
    await call.waitFor({ state: 'detached' });
  });
});

test('in Chinese, on a narrow page: the preview of all cars', async () => {
  await withZone(of.carl, { locale: 'zh-CN', scheme: 'light', narrow: true }, async (page) => {
    const bulk = page.getByTestId('bulk');
    await bulk.locator('[name=which]').selectOption('icv');
    await bulk.locator('[name=kind]').selectOption('return');
    await page.getByTestId('bulk-look').click();
    await page.getByTestId('bulk-preview').waitFor();
    await bulk.locator('tr[data-vehicle^="car-"]').first().waitFor();
    await clean(page, 'narrow');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390, 'the page itself does not scroll sideways');
  });
});
