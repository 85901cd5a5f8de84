// The applicant's pages: an application is begun, drawn, checked while it is filled in,
// left, resumed and handed in by mouse; then in Chinese, by keyboard on 390 px; garbage is
// told what to do. The department asks for more, and the answer is given on the page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clean, open, person, withDesk } from '../accounts/people.mjs';
import { api, organisation } from './page.mjs';

const SLOW = { timeout: 60_000 };
const TIMES = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai', dateStyle: 'short', timeStyle: 'short' });
/** A time of the zone as a field has it. */
const local = (ms) => TIMES.format(ms).replace(' ', 'T');
const DAY = 86_400_000;

let zone;
async function people() {
  await organisation('wiz-air', 'Wizard Air', 'operator');
  await organisation('atm', 'Air authority', 'department');
  const opr = await person('opr-wiz', 'Olga', 'wiz-air', ['test_operator']);
  await opr.call('POST', '/v1/vehicles', { id: 'uav-wiz', class: 'uav', operator: 'wiz-air', name: 'Samples', mavlink: { listener: 'signed', system_id: 202, autopilot: 'ardupilot' } });
  return { opr, rita: await person('rita-wiz', 'Rita', 'atm', ['department_reviewer']), pack: await opr.call('GET', '/v1/rule-packs/now') };
}

const shot = (page, name) => process.env.TZ_SHOTS && page.screenshot({ path: `${process.env.TZ_SHOTS}/${name}.png` });
const id = (page, name) => page.getByTestId(name);
const at = (page, step) => page.locator(`[data-testid=perm-form][data-step=${step}]`).waitFor(SLOW);

/** What the kind asks, answered so that the risk is as low as it gets. */
async function declare(page, kind, pack) {
  for (const q of kind.questions) {
    if (q.kind === 'yes_no') await id(page, `fact-${q.fact}`).selectOption(/manual|keeping|reliable/.test(q.fact) ? 'yes' : 'no');
    else await id(page, `fact-${q.fact}`).fill(q.kind === 'number' ? '3' : 'none');
  }
  for (const item of kind.forms[0].must) {
    await id(page, `item-${item}`).fill('as stated');
    const types = pack.items[item].types;
    if (types.length) await id(page, `doc-${item}`).setInputFiles({ name: 'Plan of the flight.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4 plan') });
  }
}

test('an application by mouse: drawn, checked, left, resumed, handed in, asked back and answered', { timeout: 240_000 }, async () => {
  zone ??= await people();
  const { opr, rita, pack } = zone;
  const kind = pack.kinds.find((k) => k.id === 'uav.flight');
  const from = Date.now() + 6 * DAY;
  let permit;
  await withDesk(opr, { locale: 'en-GB', allow: /status of 4(09|12|22)/ }, async (page) => {
    await open(page, 'permits');
    await id(page, 'perm-new').click();
    // Kinds are those of the pack.
    assert.deepEqual((await id(page, 'perm-kind').locator('option').allTextContents()).slice(1), pack.kinds.map((k) => k.title.en));
    await id(page, 'perm-kind').selectOption('uav.flight');
    await id(page, 'perm-next').click();
    // Nothing is saved that is no application yet, and it is said what to do.
    await page.locator('[data-testid=perm-saved][data-saved=false]').waitFor(SLOW);
    await id(page, 'perm-step-what').click();
    await page.locator('[data-input=title]').waitFor(SLOW);
    await page.locator('[data-input="window/from"]').waitFor(SLOW);
    await id(page, 'perm-title').fill('Blood samples');
    await id(page, 'perm-scenario').fill('delivery');
    await id(page, 'perm-from').fill(local(from));
    await id(page, 'perm-to').fill(local(from + 3_600_000));
    await clean(page, 'step what');
    await shot(page, 'permit-what-en');
    await id(page, 'perm-next').click();
    await at(page, 'who');
    await page.locator('[data-testid=perm-saved][data-saved=true]').waitFor(SLOW);
    // What is missing stands beside its field after a pause, without asking.
    await page.locator('[data-faults=vehicles] li').waitFor(SLOW);
    await id(page, 'perm-vehicle-uav-wiz').check();
    await page.locator('[data-faults=vehicles] li').waitFor({ state: 'detached', ...SLOW });
    await id(page, 'perm-person-add').click();
    await id(page, 'perm-ref-0').fill('crew-1');
    await id(page, 'perm-role-0').fill('remote_pilot');
    await id(page, 'perm-licence-0').fill('CAAC-1');
    await id(page, 'perm-insurer-0').fill('PICC');
    await id(page, 'perm-policy-0').fill('P-1');
    await id(page, 'perm-policy-0-from').fill(local(from - DAY));
    await id(page, 'perm-policy-0-to').fill(local(from + 30 * DAY));
    await clean(page, 'step who');
    await id(page, 'perm-next').click();
    await at(page, 'where');
    await id(page, 'perm-volume-add').click();
    // Drawn by hand: the map comes forward, and the page comes back with the area.
    await id(page, 'perm-draw-0').click();
    await id(page, 'perm-tool-rectangle').click();
    await page.waitForFunction(() => document.querySelector('.map canvas'), null, SLOW);
    const box = await page.locator('.map').boundingBox();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await clean(page, 'drawing');
    for (let i = 0; i < 20 && await id(page, 'perm-draw-take').isDisabled(); i++) {
      await page.mouse.click(x - 30, y - 20);
      await page.mouse.move(x + 10, y + 10, { steps: 4 });
      await page.mouse.click(x + 30, y + 20);
    }
    await shot(page, 'permit-draw-en');
    await id(page, 'perm-draw-take').click();
    await at(page, 'where');
    await id(page, 'perm-plan').waitFor(SLOW);
    await id(page, 'perm-ceiling-0').fill('high');
    await page.locator('[data-input="volumes/0/ceiling"]').waitFor(SLOW);
    await id(page, 'perm-ceiling-0').fill('60');
    await id(page, 'perm-ceiling-0-datum').selectOption('agl');
    // Typed: over a known place, so that the rest does not hang on where the map was.
    await page.locator('[data-volume="0"] details summary').click();
    await id(page, 'perm-shape-0').selectOption('circle');
    await id(page, 'perm-measure-0').fill('50');
    await id(page, 'perm-coordinates-0').fill('somewhere near the pier');
    await id(page, 'perm-apply-0').click();
    await page.locator('[data-volume="0"] .faults li').first().waitFor(SLOW);
    await id(page, 'perm-coordinates-0').fill('30.9300000, 121.9600000');
    await id(page, 'perm-apply-0').click();
    await page.waitForFunction(() => /50/.test(document.querySelector('[data-testid=perm-shape-is-0]').textContent), null, SLOW);
    await clean(page, 'step where');
    await shot(page, 'permit-where-en');
    await id(page, 'perm-later').click();
    // Left and resumed.
    await page.locator('[data-testid=perm-case][data-state=draft]').waitFor(SLOW);
    await clean(page, 'draft');
    await id(page, 'perm-list').click();
    await page.locator('tr[data-state=draft] button', { hasText: 'Blood samples' }).click();
    await id(page, 'perm-edit').click();
    assert.equal(await id(page, 'perm-title').inputValue(), 'Blood samples');
    await id(page, 'perm-step-check').click();
    // All that is missing at once.
    await page.waitForFunction((n) => Number(document.querySelector('[data-testid=perm-verdict]').dataset.faults) >= n, kind.forms[0].must.length, SLOW);
    await shot(page, 'permit-missing-en');
    await id(page, 'perm-fix-says').click();
    await declare(page, kind, pack);
    // A file that the pack refuses is not taken.
    const withFile = kind.forms[0].must.find((i) => pack.items[i].types.length);
    await id(page, `doc-${withFile}`).setInputFiles({ name: 'run.exe', mimeType: 'application/x-msdownload', buffer: Buffer.from('MZ') });
    await page.locator(`[data-docs=${withFile}] [role=alert]`, { hasText: 'run.exe' }).waitFor(SLOW);
    await id(page, 'perm-disclosure').waitFor(SLOW);
    for (const n of pack.tiers.at(-1).disclosure) await id(page, `dis-${n}`).fill('stated');
    await clean(page, 'step says');
    await shot(page, 'permit-says-en');
    await id(page, 'perm-next').click();
    await at(page, 'check');
    await page.locator('[data-testid=perm-verdict][data-faults="0"]').waitFor(SLOW);
    await clean(page, 'step check');
    await id(page, 'perm-next').click();
    await page.locator('[data-testid=perm-case][data-state=under_review]').waitFor(SLOW);
    [permit] = (await opr.call('GET', '/v1/permits?state=under_review')).items;
    assert.equal(permit.application.volumes[0].radius_m, 50);
    assert.equal(permit.application.items[withFile].documents[0].sha256.length, 64);
    await rita.call('POST', `/v1/permits/${permit.id}/reviews`, { verdict: 'return', reason: 'fly lower', doc_hash: permit.doc_hash });
    await page.locator('[data-testid=perm-case][data-state=information_requested]').waitFor(SLOW);
    await page.locator('[data-testid=perm-timeline] li', { hasText: 'fly lower' }).first().waitFor(SLOW);
    await clean(page, 'case');
    await shot(page, 'permit-case-en');
    await id(page, 'perm-edit').click();
    // Meanwhile a colleague saves it: nothing of theirs is written over.
    const now = await opr.call('GET', `/v1/permits/${permit.id}`);
    await opr.call('PUT', `/v1/permits/${permit.id}`, { ...now.application, title: 'Blood samples, lower' }, { 'If-Match': `"${now.rev}"` });
    await id(page, 'perm-step-where').click();
    await id(page, 'perm-ceiling-0').fill('40');
    await id(page, 'perm-next').click();
    await id(page, 'perm-stale').locator('button').click();
    await page.locator('h2', { hasText: 'Blood samples, lower' }).waitFor(SLOW);
    await id(page, 'perm-step-where').click();
    await id(page, 'perm-ceiling-0').fill('40');
    await id(page, 'perm-step-check').click();
    await id(page, 'perm-next').click();
    await page.locator('[data-testid=perm-case][data-state=under_review]').waitFor(SLOW);
    assert.equal((await opr.call('GET', `/v1/permits/${permit.id}`)).application.volumes[0].ceiling.m, 40);
    await page.locator('summary', { hasText: 'Withdraw' }).click();
    await id(page, 'perm-why').fill('no longer needed');
    await id(page, 'perm-withdraw').click();
    await page.locator('[data-testid=perm-case][data-state=withdrawn]').waitFor(SLOW);
  });
});

test('an application by keyboard in Chinese on 390 px, and an offer that is taken', { timeout: 240_000 }, async () => {
  zone ??= await people();
  const { opr, pack } = zone;
  const from = Date.now() + 8 * DAY;
  const { body: fence } = await api('POST', '/v1/fences', { name: 'Pier', kind: 'keep_out', geometry: { type: 'Point', coordinates: [121.965, 30.935] }, radius_m: 60, response: 'warn', applies: { classes: ['uav'] } });
  await withDesk(opr, { locale: 'zh-CN', allow: /status of 4(09|12|22)/ }, async (page) => {
    await page.setViewportSize({ width: 390, height: 800 });
    await open(page, 'permits');
    const fits = async (where) => assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, `${where} scrolls sideways`);
    const press = async (name, key = 'Enter') => id(page, name).press(key);
    await press('perm-new');
    await id(page, 'perm-kind').focus();
    await id(page, 'perm-kind').selectOption('uav.flight');
    await page.keyboard.press('Tab');
    await id(page, 'perm-title').fill('血样运输');
    await id(page, 'perm-from').fill(local(from));
    await id(page, 'perm-to').fill(local(from + 3_600_000));
    await fits('what');
    await clean(page, 'what zh');
    await shot(page, 'permit-what-zh');
    await press('perm-title'); // Enter saves and goes on
    await at(page, 'who');
    await press('perm-vehicle-uav-wiz', 'Space');
    await fits('who');
    await clean(page, 'who zh');
    await press('perm-step-where');
    await at(page, 'where');
    await press('perm-volume-add');
    await id(page, 'perm-shape-0').selectOption('circle');
    await id(page, 'perm-coordinates-0').fill('北纬30°56′06″ 东经121°57′54″');
    await press('perm-apply-0');
    await id(page, 'perm-ceiling-0').fill('60');
    // The rule, by how many metres, and a change that would pass.
    const said = page.locator('[data-faults="volumes/0"] [data-code=fence]');
    await said.waitFor(SLOW);
    assert.match(await said.textContent(), /禁入围栏.*差 \d+\.\d 米/s);
    await page.locator('.site-plan .is-bad').waitFor(SLOW);
    await page.locator('.site-plan .is-met').waitFor(SLOW);
    await fits('where');
    await clean(page, 'where zh');
    await said.scrollIntoViewIfNeeded();
    await shot(page, 'permit-where-zh');
    await said.getByTestId('perm-take').press('Enter');
    await said.waitFor({ state: 'detached', ...SLOW });
    await press('perm-step-check');
    await page.locator('[data-testid=perm-check] [data-fault^="items/"]').first().waitFor(SLOW);
    await fits('check');
    await clean(page, 'check zh');
    await shot(page, 'permit-check-zh');
    // Handing in what is not whole changes nothing and says why.
    await press('perm-next');
    await page.locator('.perm-form .error', { hasText: /\S/ }).first().waitFor(SLOW);
    const [p] = (await opr.call('GET', '/v1/permits?state=draft')).items.filter((x) => x.application.title === '血样运输');
    assert.deepEqual(p.application.exempt_fences, [fence.id]);
    await press('perm-later');
    await page.locator('[data-testid=perm-case][data-state=draft]').waitFor(SLOW);
    await fits('case');
    await shot(page, 'permit-case-zh');
    await press('perm-list');
    await page.locator(`tr[data-permit="${p.id}"]`).waitFor(SLOW);
    await id(page, 'perm-filter-state').selectOption('approved');
    await page.locator(`tr[data-permit="${p.id}"]`).waitFor({ state: 'detached', ...SLOW });
    await fits('list');
    await clean(page, 'list zh');
    assert.ok(pack.kinds.length > 3);
  });
});
