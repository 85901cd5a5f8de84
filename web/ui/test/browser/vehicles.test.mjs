// Vehicles, their keys and gateways as the page has them: a vehicle registered by
// mouse and by keyboard, its key shown once, who answers for it, rotation and the end
// of a key, a gateway, its end; and that another operator sees nothing of it.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { enter, open, person, clean } from '../accounts/people.mjs';
import { press, tabTo } from './fences.mjs';
import { api, ready, signIn, withPage } from './page.mjs';

const run = Date.now().toString(36);
const own = `own-${run}`;
const other = `other-${run}`;
const of = {};
const digits = () => [...crypto.getRandomValues(new Uint8Array(32))].map((b) => b.toString(16).padStart(2, '0').toUpperCase());
const FINGERPRINT = digits();
const vehicle = async (id) => (await api('GET', `/v1/vehicles/${id}`)).body;
const keysOf = async (id) => (await api('GET', `/v1/vehicles/${id}/keys`)).body.items;

before(async () => {
  for (const id of [own, other]) await api('POST', '/v1/organisations', { id, kind: 'operator', name: `Lab ${id}` });
  of.ann = await person(`ann-${run}`, 'Ann Operator', own, ['test_operator']);
  of.ben = await person(`ben-${run}`, 'Ben Other', other, ['test_operator']);
});

/** A page of an own browser with a page of the desk open. */
const withRegister = (who, name, options, body) => withPage(options, async (page) => {
  if (who) {
    await enter(page, who.login);
    await ready(page);
  } else await signIn(page);
  await page.getByTestId('desk').click();
  await open(page, name);
  await body(page);
});
const fill = async (page, values) => {
  for (const [name, value] of Object.entries(values)) await page.locator(`[name=${name}]`).fill(value);
};
const go = async (page, id) => {
  await open(page, 'vehicles');
  if (await page.getByTestId('back').count()) await page.getByTestId('back').click();
  await page.locator(`[data-registered="${id}"] button`).click();
  await page.getByTestId('vehicle').waitFor();
};
const shownKey = async (page) => {
  await page.locator('[data-testid=secret-value]:focus').waitFor();
  const value = await page.getByTestId('secret-value').inputValue();
  await page.getByTestId('secret-done').click();
  await page.getByTestId('secret').waitFor({ state: 'detached' });
  return value;
};
const state = (page, id, s) => page.locator(`[data-vkey="${id}"][data-state=${s}]`).waitFor();

test('mouse: gateway, vehicle, contact, keys, and what another operator sees of it', async () => {
  const id = `boat-${run}`;
  const gateway = `gate-${run}`;
  await withRegister(of.ann, 'gateways', {}, async (page) => {
    await clean(page, 'gateways');
    await page.getByTestId('gateway-new').click();
    await fill(page, { id: gateway, name: 'Harbour gateway', fingerprint: FINGERPRINT.join(':') });
    await clean(page, 'gateway form');
    await page.getByTestId('save').click();
    await page.locator(`[data-gateway="${gateway}"]`).waitFor();
    assert.equal((await api('GET', `/v1/gateways/${gateway}`)).body.fingerprint, FINGERPRINT.join('').toLowerCase());

    await open(page, 'vehicles');
    await clean(page, 'no vehicles');
    await page.getByTestId('vehicle-new').click();
    await fill(page, { id, name: 'Survey boat' });
    await page.locator('[name=class]').selectOption('usv');
    await page.locator('[name=listener]').selectOption(gateway);
    await fill(page, { system: '250', others: '100 191', uid2: 'ABCDEF0123456789', serial: 'TZ-0001' });
    await page.locator('[name=action]').selectOption('return');
    await fill(page, { return_height: '30.5', endurance: '12.5' });
    await page.locator('[name=rally]').check();
    await fill(page, { contact_name: 'Grace Hopper', contact_phone: '+86 21 5555 0100', contact_languages: 'zh, en' });
    await page.getByTestId('save').click();
    await page.getByRole('alert').filter({ hasText: 'System id 250' }).waitFor();
    await clean(page, 'vehicle form with a fault');
    await fill(page, { system: '7' });
    await page.getByTestId('save').click();
    await page.getByTestId('vehicle').waitFor();
    const made = await vehicle(id);
    assert.deepEqual(
      [made.name, made.class, made.operator, made.uid2, made.serial_number, made.mavlink.listener, made.mavlink.system_id, made.mavlink.other_components],
      ['Survey boat', 'usv', own, 'abcdef0123456789', 'TZ-0001', gateway, 7, [100, 191]]);
    const { at, ...lost } = made.lost_link;
    assert.deepEqual(lost, { action: 'return', return_height_m: 30.5, rally: true, endurance_s: 750, basis: 'stated' });
    assert.ok(at, 'since when it is stated');
    assert.deepEqual([made.contact.name, made.contact.phone, made.contact.languages], ['Grace Hopper', '+86 21 5555 0100', ['zh', 'en']]);
    await clean(page, 'vehicle');

    await page.getByTestId('contact-edit').click();
    await fill(page, { contact_phone: '+86 21 5555 0199' });
    await clean(page, 'contact form');
    await page.getByTestId('save').click();
    await page.getByTestId('contact').getByText('0199').waitFor();

    await page.getByTestId('vehicle-edit').click();
    await fill(page, { name: 'Survey boat 2' });
    await page.getByTestId('save').click();
    await page.getByTestId('vehicle').getByRole('heading', { name: 'Survey boat 2' }).waitFor();
    const changed = await vehicle(id);
    assert.deepEqual([changed.lost_link.at, changed.mavlink, changed.uid2], [at, made.mavlink, made.uid2], 'what was not touched stays');

    await page.getByTestId('vkey-new').click();
    await clean(page, 'key form');
    await page.getByTestId('save').click();
    await page.getByTestId('secret').waitFor();
    await clean(page, 'key shown once');
    assert.match(await shownKey(page), /^[0-9a-f]{64}$/);
    const [first] = await keysOf(id);
    await state(page, first.id, 'active');
    await clean(page, 'keys');

    await page.getByTestId('vkey-new').click();
    await page.locator('[name=from]').selectOption('given');
    await fill(page, { secret: digits().join('') });
    await page.getByTestId('save').click();
    const second = await page.locator('[data-vkey][data-state=next]').getAttribute('data-vkey');
    assert.equal(await page.getByTestId('secret').count(), 0, 'a given key is not shown');
    await page.getByTestId('vkey-rotate').click();
    await page.getByText('was not seen').waitFor();
    await clean(page, 'rotation asked');
    await page.getByTestId('vkey-rotate-sure').click();
    await state(page, second, 'active');
    const was = page.locator(`[data-vkey="${first.id}"]:not([data-state=active]):not([data-state=next])`);
    await was.getByText('rotated out').waitFor();

    const row = page.locator(`[data-vkey="${second}"]`);
    await row.getByTestId('vkey-revoke').click();
    await fill(page, { reason: `lost laptop ${run}` });
    await clean(page, 'revocation asked');
    await row.getByTestId('vkey-revoke-sure').click();
    await row.getByText('revoked', { exact: true }).waitFor();
    assert.deepEqual((await keysOf(id)).map((k) => ['active', 'next'].includes(k.state)), [false, false]);
    const { body } = await api('GET', `/v1/audit/events?what=vehicle.key.revoke&q=lost%20laptop%20${run}`);
    assert.equal(body.items.length, 1, 'the reason is in the audit');

    await withRegister(of.ben, 'vehicles', { locale: 'zh-CN', scheme: 'light' }, async (theirs) => {
      await theirs.getByText('0 台车辆').waitFor();
      await clean(theirs, 'of another operator');
      assert.equal(await theirs.locator('[data-registered]').count(), 0);
      await open(theirs, 'gateways');
      await theirs.getByText('没有网关。').waitFor();
      await theirs.getByTestId('gateway-new').click();
      assert.deepEqual(await theirs.locator('[name=operator] option').evaluateAll((l) => l.map((e) => e.value)), [other]);
      assert.equal(await theirs.locator('[name=vehicle]').count(), 0);
      const text = await theirs.evaluate(() => document.body.textContent);
      assert.ok(!text.includes(id) && !text.includes(gateway), 'nothing of another operator');
    });

    await page.getByTestId('withdraw').click();
    await page.getByText('followed until it has stopped').waitFor();
    await clean(page, 'withdrawal asked');
    await page.getByTestId('withdraw-sure').click();
    await page.getByTestId('withdraw').waitFor({ state: 'detached' });
    assert.notEqual((await vehicle(id)).state, 'registered');
  });
});
