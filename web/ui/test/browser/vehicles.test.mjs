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
  await api('POST', '/v1/organisations', { id: `zone-${run}`, kind: 'authority', name: 'Zone' });
  of.carl = await person(`carl-${run}`, 'Carl Controller', `zone-${run}`, ['controller']);
  of.dan = await person(`dan-${run}`, 'Dan Observer', own, ['observer']);
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
    const asked = page.waitForRequest((r) => r.method() === 'POST' && r.url().endsWith('/keys'));
    await page.getByTestId('save').click();
    assert.match((await asked).headers()['idempotency-key'], /^[0-9a-f]{32}$/, 'asked again after a lost answer it is the same key');
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
    await page.getByTestId('back').click();
    await page.locator(`[data-registered="${id}"]`, { hasText: 'retiring' }).waitFor();
    await go(page, id);
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
    await page.getByTestId('vehicle').getByText(/Leaving:|^Withdrawn$/).waitFor();
    assert.notEqual((await vehicle(id)).state, 'registered');
  });
});

/** Types into the field of this name, by keys only. */
async function type(page, name, text) {
  const at = () => page.evaluate(() => document.activeElement?.getAttribute('name'));
  for (let i = 0; i < 60 && (await at()) !== name; i++) await page.keyboard.press('Tab');
  assert.equal(await at(), name);
  await page.keyboard.type(text);
}
const fits = async (page, where) => {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${where}: the page itself does not scroll sideways: ${wide}`);
};

test('keyboard: a vehicle, its key and a gateway without a mouse, in Chinese, on a narrow page', async () => {
  const id = `kb-${run}`;
  const gateway = `kbg-${run}`;
  await withPage({ locale: 'zh-CN', scheme: 'light' }, async (page) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await enter(page, of.ben.login);
    await ready(page);
    await press(page, 'desk');
    await page.locator('#desk-me:focus').waitFor();
    const to = async (name, key) => {
      for (let i = 0; i < 15 && !(await page.evaluate((n) => document.activeElement?.id === `desk-${n}`, name)); i++) await page.keyboard.press(key);
      await page.locator(`#desk-${name}[aria-selected=true]`).waitFor();
    };
    await to('gateways', 'ArrowRight');
    await press(page, 'gateway-new');
    await type(page, 'id', gateway);
    await type(page, 'name', '码头网关');
    await type(page, 'fingerprint', digits().join(''));
    await press(page, 'save');
    await page.locator(`[data-gateway="${gateway}"]`).waitFor();
    await page.locator('#desk-gateways:focus').waitFor();
    await clean(page, 'gateways');
    await fits(page, 'gateways');

    await to('vehicles', 'ArrowLeft');
    await press(page, 'vehicle-new');
    await type(page, 'id', id);
    await type(page, 'name', '测深船');
    await type(page, 'listener', gateway);
    await type(page, 'system', '9');
    await clean(page, 'vehicle form');
    await fits(page, 'vehicle form');
    await page.keyboard.press('Enter');
    await page.getByTestId('vehicle').waitFor();
    const made = await vehicle(id);
    assert.deepEqual([made.name, made.operator, made.mavlink.listener, made.mavlink.system_id, made.lost_link.basis, made.contact], ['测深船', other, gateway, 9, 'unknown', null]);
    await page.getByText('失联时无人可联系').waitFor();

    await press(page, 'vkey-new');
    await page.locator('[name=from]:focus').waitFor();
    await press(page, 'save');
    await page.locator('[data-testid=secret-value]:focus').waitFor();
    await clean(page, 'key shown once');
    await fits(page, 'key shown once');
    await press(page, 'secret-done');
    const [key] = await keysOf(id);
    await tabTo(page, 'vkey-revoke');
    await page.keyboard.press('Enter');
    await type(page, 'reason', '测试');
    await clean(page, 'revocation asked');
    await fits(page, 'revocation asked');
    await press(page, 'vkey-revoke-sure');
    await page.locator(`[data-vkey="${key.id}"]:not([data-state=active])`).waitFor();

    await press(page, 'contact-edit');
    await type(page, 'contact_name', '王芳');
    await type(page, 'contact_phone', '+86 21 5555 0101');
    await press(page, 'save');
    await page.getByTestId('contact').getByText('王芳').waitFor();
    await press(page, 'back', true);
    await page.locator('#desk-vehicles:focus').waitFor();
    await page.locator(`[data-registered="${id}"]`).waitFor();
    await clean(page, 'vehicles');
    await fits(page, 'vehicles');
  });
});

test('controllers look and revoke, observers look; what goes wrong is said in the language of the page', async () => {
  const id = `look-${run}`;
  const gateway = `look-gate-${run}`;
  await api('POST', '/v1/gateways', { id: gateway, name: 'Look', fingerprint: digits().join(''), operator: own });
  await api('POST', '/v1/vehicles', {
    id, name: 'Looked at', class: 'uav', operator: own, mavlink: { listener: gateway, system_id: 3 }, contact: { name: 'Grace Hopper', phone: '+86 21 5555 0100' },
  });
  const { body: key } = await api('POST', `/v1/vehicles/${id}/keys`, {});
  await withRegister(of.dan, 'vehicles', {}, async (page) => {
    assert.deepEqual(await page.locator('.desk [role=tab]').evaluateAll((l) => l.map((e) => e.id)), ['desk-me', 'desk-keys', 'desk-zone', 'desk-coverage', 'desk-priority', 'desk-sites', 'desk-restrictions', 'desk-disclosure', 'desk-vehicles', 'desk-organisations']);
    await go(page, id);
    await clean(page, 'as an observer');
    assert.deepEqual([await page.getByTestId('vkeys').count(), await page.getByTestId('contact').count(), await page.getByTestId('vehicle-edit').count()], [0, 0, 0]);
  });
  await withRegister(of.carl, 'vehicles', {}, async (page) => {
    assert.equal(await page.getByTestId('vehicle-new').count(), 0);
    await page.getByTestId('reg-search').fill(id);
    await page.locator(`[data-registered="${id}"]`, { hasText: 'in use' }).waitFor();
    assert.equal(await page.locator('[data-registered]').count(), 1);
    await clean(page, 'vehicles of a controller');
    await go(page, id);
    await page.getByTestId('contact').getByText('Grace Hopper').waitFor();
    assert.deepEqual(await Promise.all(['vehicle-edit', 'withdraw', 'vkey-new', 'contact-edit'].map((n) => page.getByTestId(n).count())), [0, 0, 0, 0]);
    await page.getByTestId('vkey-revoke').click();
    await page.getByTestId('vkey-revoke-sure').click();
    await page.locator(`[data-vkey="${key.key.id}"]:not([data-state=active])`).waitFor();
    await open(page, 'gateways');
    const row = page.locator(`[data-gateway="${gateway}"]`);
    await row.getByText(id).waitFor();
    assert.equal(await row.getByRole('button', { name: 'Edit' }).count(), 0);
    await row.getByTestId('gateway-revoke').click();
    await clean(page, 'end of a gateway asked');
    await row.getByTestId('gateway-revoke-sure').click();
    await page.locator(`[data-gateway="${gateway}"].is-off`).waitFor();
    assert.notEqual((await api('GET', `/v1/gateways/${gateway}`)).body.state, 'enrolled');
  });
  await withRegister(null, 'vehicles', { locale: 'zh-CN', allow: /409|422/ }, async (page) => {
    const taken = `taken-${run}`;
    await api('POST', '/v1/gateways', { id: taken, name: 'Taken', fingerprint: digits().join(''), operator: own });
    await api('POST', '/v1/vehicles', { id: taken, name: 'Taken', class: 'uav', operator: own, mavlink: { listener: taken, system_id: 4 } });
    await open(page, 'gateways');
    await page.locator(`[data-gateway="${taken}"]`).waitFor();
    await open(page, 'vehicles');
    await go(page, 'copter-1');
    await page.getByTestId('vehicle').getByText('已证明').waitFor();
    await page.getByTestId('vkey-advice').getByText('车辆正以使用中的密钥签名').waitFor();
    await clean(page, 'a vehicle that flies');
    await page.getByTestId('back').click();
    await page.getByTestId('vehicle-new').click();
    assert.equal(await page.locator('[name=operator]').inputValue(), '', 'who registers for several chooses');
    await fill(page, { id: taken, name: '再次' });
    await page.locator('[name=operator]').selectOption(own);
    const listeners = await page.locator('[name=listener] option').evaluateAll((l) => l.map((e) => e.value));
    assert.deepEqual(listeners.filter((l) => !l.includes(run)), ['', 'signed'], 'where vehicles can prove who they are, and nowhere else');
    await page.locator('[name=listener]').selectOption(taken);
    await fill(page, { system: '4' });
    await page.getByTestId('save').click();
    await page.getByRole('alert').filter({ hasText: '此编号已存在' }).waitFor();
    await fill(page, { id: `${taken}-2` });
    await page.getByTestId('save').click();
    await page.getByRole('alert').filter({ hasText: '已有车辆使用此系统编号' }).waitFor();
    await clean(page, 'refused');
  });
});
