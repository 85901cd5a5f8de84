// Accounts and audit as the page has them: an organisation, a person and a key made
// by mouse and by keyboard, the first sign-in of that person, what it may not see,
// and the trace of all this. The bootstrap token stands for the first administrator:
// an administrator here would take its other rights away from the tests to come.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, tabTo } from './fences.mjs';
import { api, axe, flaws, ready, signIn, token, withPage } from './page.mjs';

const run = Date.now().toString(36);
const OWN = 'quiet-harbour-morning';
const PAGES = ['me', 'keys', 'zone', 'coverage', 'priority', 'sites', 'restrictions', 'permits', 'reviews', 'disclosure', 'vehicles', 'gateways', 'people', 'organisations', 'proposals', 'audit'];

const clean = async (page, where) => {
  assert.deepEqual(await flaws(page), [], where);
  assert.deepEqual(await axe(page), [], where);
};
const open = async (page, name) => {
  await page.locator(`#desk-${name}`).click();
  await page.locator(`#desk-${name}[aria-selected=true]`).waitFor();
};
const secretOf = async (page) => {
  const value = await page.getByTestId('secret-value').inputValue();
  await page.getByTestId('secret-done').click();
  await page.getByTestId('secret').waitFor({ state: 'detached' });
  return value;
};
const personOf = async (login) => (await api('GET', '/v1/people?limit=200')).body.items.find((p) => p.profile?.login === login);

/** A person at the sign-in form of a browser of its own, by login name and password. */
const withPerson = (login, password, options, body) => withPage(options, async (page) => {
  await page.getByTestId('signin-way').click();
  await page.fill('#login', login);
  await page.fill('#password', password);
  await clean(page, 'sign-in by password');
  await page.click('button[type=submit]');
  await body(page);
});

async function firstPassword(page, given) {
  await page.locator('[name=current]').fill(given);
  await page.locator('[name=password]').fill(OWN);
  await page.locator('[name=again]').fill(`${OWN}.`);
  await page.locator('button[type=submit]').click();
  await page.getByRole('alert').filter({ hasText: /differ|不一致/ }).waitFor();
  await page.locator('[name=again]').fill(OWN);
  await clean(page, 'first password');
  await page.locator('button[type=submit]').click();
  await ready(page);
}

test('mouse: organisation, person and key; what the person may; the audit of it', async () => {
  const org = `lab-${run}`;
  const login = `mei-${run}`;
  await withPage({}, async (admin) => {
    await signIn(admin);
    await admin.getByTestId('desk').click();
    for (const p of PAGES) {
      await open(admin, p);
      await clean(admin, p);
    }

    await open(admin, 'organisations');
    await admin.getByTestId('organisation-new').click();
    await admin.locator('[name=id]').fill(org);
    await admin.locator('[name=name]').fill('Harbour lab');
    await clean(admin, 'organisation form');
    await admin.getByTestId('save').click();
    await admin.locator(`[data-organisation="${org}"]`).waitFor();

    await open(admin, 'people');
    await admin.getByTestId('person-new').click();
    await admin.locator('[name=name]').fill('Mei Lin');
    await admin.locator('[name=login]').fill(login);
    await admin.locator('[name=organisation]').selectOption(org);
    assert.equal(await admin.getByTestId('role-administrator').isDisabled(), true, 'only people of the authority administer');
    await admin.getByTestId('role-test_operator').check();
    await clean(admin, 'person form');
    await admin.getByTestId('save').click();
    await admin.getByTestId('secret').waitFor();
    await clean(admin, 'password shown once');
    const password = await secretOf(admin);
    const mei = await personOf(login);
    assert.deepEqual([mei.organisation, mei.roles, mei.profile.name], [org, ['test_operator'], 'Mei Lin']);

    await open(admin, 'keys');
    await admin.getByTestId('key-new').click();
    await admin.locator('[name=label]').fill(`gateway ${run}`);
    await admin.locator('[name=person]').selectOption(mei.id);
    assert.deepEqual(await admin.locator('[name=scope]').evaluateAll((l) => l.map((e) => e.value)), ['vehicle.telemetry'], 'of others only telemetry');
    await clean(admin, 'key form');
    await admin.getByTestId('save').click();
    const secret = await secretOf(admin);
    const answer = (s) => fetch(`${process.env.TZ_URL}/v1/session`, { headers: { Authorization: `Bearer ${s}` } });
    const { actor } = await (await answer(secret)).json();
    assert.deepEqual([actor.person, actor.scopes], [mei.id, ['vehicle.telemetry']], 'the secret is that of the key');

    await withPerson(login, password, {}, async (page) => {
      await firstPassword(page, password);
      const seen = await page.evaluate(() => window.__tz.vehicles().map((v) => v.id));
      assert.ok(seen.length > 0 && seen.every((id) => /^(traffic|icao)-/.test(id)), `other operators' vehicles are traffic: ${seen}`);
      await page.locator('#tab-fences').click();
      await page.getByTestId('fence-deleted').waitFor();
      assert.equal(await page.getByTestId('fence-new').count(), 0, 'it draws no fences');
      await page.getByTestId('desk').click();
      await page.locator('#desk-me').waitFor();
      assert.deepEqual(await page.locator('.desk [role=tab]').evaluateAll((l) => l.map((e) => e.id)), ['desk-me', 'desk-keys', 'desk-zone', 'desk-coverage', 'desk-priority', 'desk-sites', 'desk-restrictions', 'desk-permits', 'desk-disclosure', 'desk-vehicles', 'desk-gateways', 'desk-organisations']);
      await clean(page, 'you');
      await open(page, 'organisations');
      await page.locator(`[data-organisation="${org}"]`).waitFor();
      assert.equal(await page.getByTestId('organisation-new').count(), 0);
      await open(page, 'keys');
      await page.getByTestId('key-new').click();
      await page.locator('[name=label]').fill('own');
      await page.getByTestId('scope-zone.read').check();
      await page.getByTestId('save').click();
      const own = await secretOf(page);
      assert.equal((await answer(own)).status, 200);
      const row = page.locator('[data-key]', { hasText: 'own' });
      await row.getByTestId('revoke').click();
      await row.getByTestId('revoke-sure').click();
      await row.getByText('Revoked').waitFor();
      assert.equal((await answer(own)).status, 401, 'a revoked key opens nothing');
    });

    await open(admin, 'audit');
    await admin.getByTestId('audit-type').fill('session.*');
    await admin.getByTestId('audit-by').fill(mei.id);
    await admin.getByTestId('audit-search').click();
    await admin.locator('[data-seq]', { hasText: 'Signed in' }).filter({ hasText: 'Mei Lin' }).first().waitFor();
    assert.equal(await admin.locator('[data-seq]', { hasText: 'Fence published' }).count(), 0);
    const csv = await admin.evaluate(async () => (await fetch(document.querySelector('[data-testid=audit-csv]').href)).text());
    assert.match(csv, /^seq,at,who/);
    assert.ok(csv.includes(mei.id) && !csv.includes('fence.put'), 'the file is of the same search');
    await admin.getByTestId('audit-type').fill('person.*');
    await admin.getByTestId('audit-by').fill('');
    await admin.getByTestId('audit-search').click();
    await admin.locator('[data-seq]', { hasText: 'Person created' }).filter({ hasText: mei.id }).waitFor();
    await admin.getByTestId('checkpoint').getByText('testzone verify').waitFor();
    await clean(admin, 'audit found');
  });
});

/** Types into the field of this name, by keys only. */
async function type(page, name, text) {
  for (let i = 0; i < 60 && (await page.evaluate(() => document.activeElement?.getAttribute('name'))) !== name; i++) await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), name);
  await page.keyboard.type(text);
}
const toPage = async (page, name) => {
  for (let i = 0; i < PAGES.length && !(await page.evaluate((n) => document.activeElement?.id === `desk-${n}`, name)); i++) await page.keyboard.press('ArrowRight');
  await page.locator(`#desk-${name}[aria-selected=true]`).waitFor();
};

test('keyboard: organisation, person and key without a mouse, in Chinese, on a narrow page', async () => {
  const org = `kb-${run}`;
  const login = `jun-${run}`;
  await withPage({ locale: 'zh-CN', scheme: 'light' }, async (page) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.locator('#token:focus').waitFor();
    await page.keyboard.type(token);
    await page.keyboard.press('Enter');
    await ready(page);
    await press(page, 'desk');
    await page.locator('#desk-me:focus').waitFor();
    for (const p of PAGES) {
      await toPage(page, p);
      await clean(page, p);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 390, `${p}: the page itself does not scroll sideways: ${wide}`);
    }
    await toPage(page, 'organisations');
    await press(page, 'organisation-new');
    await type(page, 'id', org);
    await type(page, 'name', org);
    await press(page, 'save');
    await page.locator(`[data-organisation="${org}"]`).waitFor();
    await page.locator('#desk-organisations:focus').waitFor();

    await toPage(page, 'people');
    await press(page, 'person-new');
    await type(page, 'name', login);
    await type(page, 'login', login);
    await type(page, 'organisation', org);
    await tabTo(page, 'role-test_operator');
    await page.keyboard.press('Space');
    await clean(page, 'person form');
    await press(page, 'save');
    await page.locator('[data-testid=secret-value]:focus').waitFor();
    const password = await page.getByTestId('secret-value').inputValue();
    await press(page, 'secret-done');
    const jun = await personOf(login);
    assert.deepEqual([jun.organisation, jun.roles], [org, ['test_operator']]);

    await page.locator('#desk-people:focus').waitFor();
    await toPage(page, 'keys');
    await press(page, 'key-new');
    await type(page, 'label', `keyboard-${run}`);
    await type(page, 'person', login);
    await press(page, 'save');
    await page.locator('[data-testid=secret-value]:focus').waitFor();
    await press(page, 'secret-done');
    const mine = (await api('GET', '/v1/keys?limit=200')).body.items.find((k) => k.label === `keyboard-${run}`);
    assert.deepEqual([mine.person, mine.scopes], [jun.id, ['vehicle.telemetry']]);

    await page.keyboard.press('Escape');
    await page.getByTestId('desk-panel').waitFor({ state: 'detached' });
    await page.locator('[data-testid=desk]:focus').waitFor({ timeout: 5_000 });

    await withPerson(login, password, { locale: 'zh-CN' }, (own) => firstPassword(own, password));
  });
});

test('what goes wrong is said in the language of the page', async () => {
  await api('POST', '/v1/organisations', { id: `twice-${run}`, kind: 'operator', name: 'Twice' });
  await withPage({ locale: 'zh-CN', allow: /409|401/ }, async (page) => {
    await page.getByTestId('signin-way').click();
    await page.fill('#login', 'nobody');
    await page.fill('#password', 'not this one');
    await page.click('button[type=submit]');
    await page.getByRole('alert').filter({ hasText: '不正确' }).waitFor();
    await page.getByTestId('signin-way').click();
    await signIn(page);
    await page.getByTestId('desk').click();
    await open(page, 'organisations');
    await page.getByTestId('organisation-new').click();
    await page.locator('[name=id]').fill(`twice-${run}`);
    await page.locator('[name=name]').fill('再次');
    await page.getByTestId('save').click();
    await page.getByRole('alert').filter({ hasText: '此编号已存在' }).waitFor();
    await clean(page, 'refused');
    await open(page, 'proposals');
    await page.getByText('不能充当两人之一').waitFor();
  });
});
