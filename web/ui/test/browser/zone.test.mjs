// The state of the zone as the page has it: signed on, restricted by a click, cleared
// and closed by holding a button with mouse and keyboard, who does not comply, a
// handover with its briefing, and opened again.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { clean, enter, open, person } from '../accounts/people.mjs';
import { api, ready, withPage } from './page.mjs';

const run = Date.now().toString(36);
const of = {};
before(async () => {
  await api('POST', '/v1/organisations', { id: `tower-${run}`, kind: 'authority', name: 'Tower' });
  of.carl = await person(`tower-carl-${run}`, 'Carl Tower', `tower-${run}`, ['controller']);
  of.dora = await person(`tower-dora-${run}`, 'Dora Tower', `tower-${run}`, ['controller']);
  of.olga = await person(`tower-olga-${run}`, 'Olga Observer', `tower-${run}`, ['observer']);
});

const withZone = (who, options, body) => withPage(options, async (page) => {
  await enter(page, who.login);
  await ready(page);
  await page.getByTestId('desk').click();
  await open(page, 'zone');
  await body(page);
});
const is = (page, state) => page.locator(`[data-testid=zone-state][data-state=${state}]`).waitFor();

test('sign on, restrict, clear and close the zone, and open it again', async () => {
  await withZone(of.carl, {}, async (page) => {
    await is(page, 'open');
    await page.getByTestId('duty-on').click();
    await page.locator(`[data-duty="${of.carl.id}"]`).waitFor();
    await clean(page, 'zone open');
    assert.ok(await page.getByTestId('zone-closed').isDisabled(), 'closed without a reason');
    await page.locator('[name=reason]').fill('Thunderstorm');
    await page.getByTestId('zone-no_new_starts').click();
    await is(page, 'no_new_starts');

    await page.getByTestId('zone-clear').click(); // too short
    await page.getByTestId('zone-clear').hover();
    assert.equal((await api('GET', '/v1/zone/state')).body.state, 'no_new_starts');
    await page.mouse.down();
    await is(page, 'clear');
    await page.mouse.up();
    await page.locator('tr[data-complies=false]').first().waitFor();
    await clean(page, 'zone being cleared');

    await page.getByTestId('zone-closed').focus();
    await page.keyboard.down('Enter');
    await is(page, 'closed');
    await page.keyboard.up('Enter');
    await page.getByTestId('zone-open').click();
    await is(page, 'open');
    const state = (await api('GET', '/v1/zone/state')).body;
    assert.deepEqual([state.reason, state.by], ['Thunderstorm', of.carl.id]);
  });
});

test('a duty is handed over with its briefing', async () => {
  await withZone(of.carl, {}, async (page) => {
    await page.getByTestId('duty-on').click();
    await page.locator(`[data-duty="${of.carl.id}"]`).waitFor();
    await page.getByTestId('duty-to').selectOption(of.dora.id);
    await page.getByTestId('duty-offer').click();
    await page.getByText('Dora Tower', { exact: false }).first().waitFor();
  });
  await withZone(of.dora, { locale: 'zh-CN' }, async (page) => {
    await page.locator('[data-testid=briefing] [data-kind=zone_state]').waitFor();
    await clean(page, 'briefing');
    await page.getByTestId('duty-take').click();
    await page.locator(`[data-duty="${of.dora.id}"]`).waitFor();
    await page.locator(`[data-duty="${of.carl.id}"]`).waitFor({ state: 'detached' });
    await page.getByTestId('duty-off').click();
    await page.locator(`[data-duty="${of.dora.id}"]`).waitFor({ state: 'detached' });
  });
});

test('an observer sees the state and changes nothing', async () => {
  await withZone(of.olga, { scheme: 'light' }, async (page) => {
    await is(page, 'open');
    assert.equal(await page.getByTestId('zone-set').count() + await page.getByTestId('duty-on').count(), 0);
    await clean(page, 'zone of an observer');
  });
});
