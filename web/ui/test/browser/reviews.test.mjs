// Reviews: a department asks for information, is told that the application changed, signs
// it with what changed in sight; a controller signs the override; the board shows it. Both
// languages, phone width.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clean, open, person, withDesk } from '../accounts/people.mjs';
import { api, organisation } from './page.mjs';

const SLOW = { timeout: 60_000 };
const iso = (ms) => new Date(Math.floor(ms / 1000) * 1000).toISOString();

/** An application that lacks nothing of risk tier high under the demo's pack, but for the checklist. */
function application(vehicle, title) {
  const from = Date.now() + 5 * 86_400_000;
  const [begin, end] = [iso(from), iso(from + 3_600_000)];
  const stated = (names) => Object.fromEntries(names.map((n) => [n, 'stated']));
  const items = Object.fromEntries(['party', 'aircraft', 'mission', 'sites', 'comms', 'window', 'volume', 'c2_link', 'cns'].map((id) => [id, { text: 'as stated' }]));
  return {
    kind: 'uav.flight', subtype: 'first', title, scenario: 'delivery', from: begin, to: end, vehicles: [vehicle],
    people: [{ ref: 'crew-1', role: 'remote_pilot', licence: 'CAAC-1' }],
    insurance: [{ kind: 'uav_liability', insurer: 'PICC', number: '1', from: iso(from - 3_600_000), to: end, per_vehicle_cny: 6_000_000 }],
    volumes: [{ geometry: { type: 'Point', coordinates: [121.93, 30.93] }, radius_m: 50, floor: { m: 0, datum: 'amsl' }, ceiling: { m: 100, datum: 'amsl' } }],
    facts: {
      'uav.mtow_kg': 6, 'uav.distributed_or_swarm': false, 'uav.over_crowd': false, 'uav.dangerous_or_drop': false, 'uav.beyond_line_of_sight': false,
      'airspace.controlled': false, 'road.public': false, 'carries.people': false, 'data.biometric': false, 'data.important': false,
    },
    disclosure: stated(['what', 'where', 'when', 'who', 'contact', 'known_limits']),
    items: { ...items, emergency: { documents: [{ sha256: 'a'.repeat(64), type: 'application/pdf', bytes: 1000 }] } },
  };
}

test('the demo has permits in every stage', { timeout: 120_000 }, async () => {
  for (;;) { // one begins a few seconds after the demo
    const { body } = await api('GET', '/v1/permits');
    const count = (state) => body.items.filter((p) => p.state === state && p.holder === 'demo').length;
    if (count('effective') === 0) {
      await new Promise((r) => setTimeout(r, 500));
      continue;
    }
    assert.deepEqual([count('effective'), count('approved'), count('under_review')], [1, 1, 1]);
    return;
  }
});

let zone;
/** Organisations and people of the test, made once. */
async function people() {
  await organisation('acme-air', 'Acme Air', 'operator');
  await organisation('atm', 'Air authority', 'department');
  await organisation('police', 'Police', 'department');
  await organisation('control', 'Zone control', 'authority');
  const opr = await person('opr-rev', 'Olga', 'acme-air', ['test_operator']);
  await opr.call('POST', '/v1/vehicles', { id: 'uav-rev', class: 'uav', operator: 'acme-air', name: 'Samples', mavlink: { listener: 'signed', system_id: 201, autopilot: 'ardupilot' } });
  return {
    opr,
    rita: await person('rita-rev', 'Rita', 'atm', ['department_reviewer']),
    paul: await person('paul-rev', 'Paul', 'police', ['department_reviewer']),
    cora: await person('cora-rev', 'Cora', 'control', ['controller']),
  };
}

for (const [n, locale] of ['en-GB', 'zh-CN'].entries()) {
  test(`a department reviews an application (${locale})`, { timeout: 240_000 }, async () => {
    zone ??= await people();
    const { opr, rita, paul, cora } = zone;
    const title = `Blood samples ${n}`;
    const body = application('uav-rev', title);
    body.volumes[0].geometry.coordinates = [121.93 + 0.01 * n, 30.93];
    const p = await opr.call('POST', '/v1/permits', body);
    const { checklist } = await opr.call('GET', `/v1/permits/${p.id}/assessment`);
    assert.ok(checklist.length > 0, 'a checklist of tier high');
    body.checklist = Object.fromEntries(checklist.map((q) => [q.id, { text: 'see the plan', evidence: 'plan, chapter 3' }]));
    await opr.call('PUT', `/v1/permits/${p.id}`, body, { 'If-Match': `"${p.rev}"` });
    await opr.call('POST', `/v1/permits/${p.id}/submit`, {});
    await withDesk(rita, { locale, allow: /status of 409/ }, async (page) => {
      if (locale === 'zh-CN') await page.setViewportSize({ width: 390, height: 800 });
      await open(page, 'reviews');
      const row = page.locator(`[data-review="${p.id}"]`);
      await row.waitFor(SLOW);
      await clean(page, `queue ${locale}`);
      await row.locator('button').press('Enter');
      await page.getByTestId('rev-form').waitFor(SLOW);
      await page.getByTestId('rev-checks-ok').waitFor(SLOW);
      await page.getByTestId('rev-pack').waitFor(SLOW); // no pack that is not in force goes unsaid
      await clean(page, `case ${locale}`);
      if (process.env.TZ_SHOTS) await page.screenshot({ path: `${process.env.TZ_SHOTS}/review-${locale}.png` });
      await page.getByTestId('rev-verdict').selectOption('return');
      await page.getByTestId('rev-reason').fill('fly lower');
      await page.getByTestId('rev-sign').click();
      await page.locator('[data-testid=rev-case][data-state=information_requested]').waitFor(SLOW);
      const put = async (edited) => {
        const now = await opr.call('GET', `/v1/permits/${p.id}`);
        await opr.call('PUT', `/v1/permits/${p.id}`, edited, { 'If-Match': `"${now.rev}"` });
        await opr.call('POST', `/v1/permits/${p.id}/submit`, {});
      };
      body.volumes[0].ceiling.m = 80;
      await put(body);
      await page.getByTestId('rev-back').click();
      await row.locator('button').click();
      await page.locator('[data-testid=rev-changed] tr[data-field=volumes]').waitFor(SLOW);
      // While it is read, a colleague sends it back and the applicant lowers it once more.
      const read = await rita.call('GET', `/v1/permits/${p.id}`);
      await rita.call('POST', `/v1/permits/${p.id}/reviews`, { verdict: 'return', reason: 'lower still', doc_hash: read.doc_hash });
      body.volumes[0].ceiling.m = 60;
      await put(body);
      await page.getByTestId('rev-sign').click();
      await page.getByTestId('rev-stale').waitFor(SLOW);
      assert.equal((await rita.call('GET', `/v1/permits/${p.id}`)).state, 'under_review', 'nothing was signed');
      assert.equal(await page.getByTestId('rev-verdict').inputValue(), 'pass');
      for (const j of ['necessary', 'appropriate', 'controllable']) await page.getByTestId(`judge-${j}`).selectOption('yes');
      await page.getByTestId('rev-sign').click();
      await page.locator('[data-testid=rev-said] li[data-department=atm]', { hasText: /yes|是/ }).waitFor(SLOW);
      const advice = await paul.call('GET', '/v1/reviews?desk=advice');
      assert.equal(advice.items.some((i) => i.permit_id === p.id), true, 'the police may advise');
      await paul.call('POST', `/v1/permits/${p.id}/reviews`, { verdict: 'advise_for', doc_hash: (await paul.call('GET', `/v1/permits/${p.id}`)).doc_hash });
      await page.getByTestId('rev-verdict').selectOption('approve_with_conditions');
      await page.getByTestId('rev-speed').fill('12');
      await page.getByTestId('rev-reference').fill('ATC 2026-17');
      await page.getByTestId('rev-sign').click();
      await page.locator('[data-testid=rev-case][data-state=approved]').waitFor(SLOW);
      assert.equal((await rita.call('GET', `/v1/permits/${p.id}`)).conditions.speed_mps, 12);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'the page scrolls sideways');
    });
    await withDesk(cora, { locale }, async (page) => {
      await open(page, 'reviews');
      await page.getByTestId('rev-decided').click();
      await page.locator(`[data-review="${p.id}"] button`).click();
      await page.getByTestId('halt-reason').fill('trial of the procedure');
      await page.getByTestId('rev-override').click();
      await page.getByTestId('rev-pack').waitFor({ state: 'detached', ...SLOW });
      await open(page, 'disclosure');
      await page.locator(`[data-disclosure="${p.id}"]`).waitFor(SLOW);
      await clean(page, `board ${locale}`);
      if (process.env.TZ_SHOTS) await page.screenshot({ path: `${process.env.TZ_SHOTS}/board-${locale}.png` });
    });
    await withDesk(rita, { locale }, async (page) => {
      await open(page, 'reviews');
      await page.getByTestId('rev-decided').click();
      await page.locator(`[data-review="${p.id}"] button`).click();
      await page.getByTestId('halt-reason').fill('found unsafe');
      await page.getByTestId('look-revoke').click();
      await page.waitForFunction(() => document.querySelector('[data-testid=halt-meets]').textContent.includes('uav-rev'), null, SLOW);
      await page.getByTestId('rev-revoke').click();
      await page.locator('[data-testid=rev-case][data-state=revoked]').waitFor(SLOW);
    });
  });
}
