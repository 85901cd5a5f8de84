// From draft to publication: preview, conflict, versions, schedule, import and the
// emergency fence, by mouse and by keyboard; every panel in both languages.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  PREFIX, at, click, create, definition, drag, editor, eventually, listed, press, publish, square, tabTo, withFences, withKeys,
} from './fences.mjs';
import { api, axe, flaws, stray } from './page.mjs';

test('the preview names who stands inside and what it would trigger, and changes nothing', async () => {
  await withFences({}, async (page) => {
    const v = await page.evaluate(() => window.__tz.vehicles().find((u) => u.class === 'icv'));
    await page.getByTestId('fence-new').click();
    await page.getByTestId('shape-form').selectOption('circle');
    await page.getByTestId('shape-measure').fill('1500');
    await page.getByTestId('coordinates').fill(`${v.lat}, ${v.lon}`);
    await page.getByTestId('coordinates-apply').click();
    await page.getByTestId('draft-name').fill(`${PREFIX}preview`);
    await page.getByTestId('draft-response').selectOption('stop');
    await page.getByTestId('editor-preview').click();
    const row = page.locator(`[data-vehicle-id="${v.id}"]`);
    await row.waitFor();
    assert.equal(await row.getAttribute('data-would'), 'breach');
    assert.match(await row.innerText(), /Breach[\s\S]*Stop/);
    assert.deepEqual(await listed(), []);
    const previewed = (await editor(page)).shape;
    await drag(page, [0.5, 0.5], [0.6, 0.6]);
    assert.deepEqual((await editor(page)).shape, previewed, 'the hand moves the map, not the fence');
    await page.getByTestId('editor-back').click();
    await page.getByTestId('draft-name').waitFor();
  });
});

test('a fence that was changed meanwhile shows both versions', async () => {
  await withFences({ allow: /412/ }, async (page) => {
    const f = await create('conflict');
    await page.locator(`[data-fence="${f.id}"]`).click();
    await page.getByTestId('fence-edit').click();
    await page.getByTestId('draft-ceiling').fill('90');
    await page.getByTestId('editor-preview').click();
    await page.getByTestId('editor-publish').waitFor();
    await api('PUT', `/v1/fences/${f.id}`, definition('conflict', { response: 'land' }), { 'If-Match': `"${f.rev}"` });
    await page.getByTestId('editor-publish').click();
    const both = page.getByTestId('conflict');
    await both.waitFor();
    assert.deepEqual(await both.locator('tr[data-field]').evaluateAll((rows) => rows.map((r) => r.dataset.field)), ['ceiling', 'response']);
    await page.getByTestId('conflict-keep').click();
    await page.getByTestId('editor-publish').click();
    await page.getByTestId('fence-editor').waitFor({ state: 'detached' });
    const { body: now } = await api('GET', `/v1/fences/${f.id}`);
    assert.deepEqual([now.ceiling.m, now.response], [90, 'warn']);
  });
});

test('mouse: versions show the difference and restore; a deleted fence comes back', async () => {
  await withFences({}, async (page) => {
    const f = await create('versions');
    await api('PUT', `/v1/fences/${f.id}`, definition('versions', { response: 'land', geometry: { type: 'Polygon', coordinates: [square(0.004)] } }), { 'If-Match': `"${f.rev}"` });
    await page.locator(`[data-fence="${f.id}"]`).click();
    await page.getByTestId('fence-versions').click();
    await page.locator(`tr[data-rev="${f.rev}"]`).click();
    const fields = await page.getByTestId('difference').locator('tr[data-field]').evaluateAll((rows) => rows.map((r) => r.dataset.field));
    assert.deepEqual(fields, ['shape', 'response']);
    await page.getByTestId('version-restore').click();
    await page.getByTestId('version-restore-confirm').click();
    await page.locator('[data-testid="version-restore-confirm"]').waitFor({ state: 'detached' });
    assert.equal((await api('GET', `/v1/fences/${f.id}`)).body.response, 'warn');
    await page.getByRole('button', { name: 'Close', exact: true }).click();

    await page.getByTestId('fence-delete').click();
    await page.getByTestId('fence-delete-confirm').click();
    await page.locator(`[data-fence="${f.id}"]`).waitFor({ state: 'detached' });
    assert.deepEqual(await listed(), []);
    await page.getByTestId('fence-removed').getByRole('button').click();
    await page.locator('tr[data-rev]').nth(1).click();
    await page.getByTestId('version-restore').click();
    await page.getByTestId('version-restore-confirm').click();
    await eventually(page, (id) => window.__tz.fences().some((x) => x.id === id), f.id);
    assert.equal((await listed()).length, 1);
  });
});

test('keyboard: edit, versions, restore, delete', async () => {
  await withKeys(async (page) => {
    const f = await create('by keys');
    const row = page.locator(`[data-fence="${f.id}"]`);
    await row.waitFor();
    for (let i = 0; i < 60 && !(await row.evaluate((el) => el === document.activeElement)); i++) {
      await page.keyboard.press((await page.evaluate(() => document.activeElement?.matches('tr[data-fence]'))) ? 'ArrowDown' : 'Tab');
    }
    await page.keyboard.press('Enter');
    await press(page, 'fence-edit');
    await tabTo(page, 'draft-ceiling');
    await page.keyboard.type('55');
    await press(page, 'editor-preview');
    await page.getByTestId('editor-publish').waitFor();
    await press(page, 'editor-publish');
    await page.getByTestId('fence-details').waitFor();
    await press(page, 'fence-versions');
    const old = page.locator(`tr[data-rev="${f.rev}"]`);
    await old.waitFor();
    for (let i = 0; i < 60 && !(await old.evaluate((el) => el === document.activeElement)); i++) {
      await page.keyboard.press((await page.evaluate(() => document.activeElement?.matches('tr[data-rev]'))) ? 'ArrowDown' : 'Tab');
    }
    await page.keyboard.press('Enter');
    await press(page, 'version-restore');
    await page.getByTestId('version-restore-confirm').waitFor();
    await page.keyboard.press('Enter');
    await page.getByTestId('version-restore-confirm').waitFor({ state: 'detached' });
    assert.equal((await api('GET', `/v1/fences/${f.id}`)).body.ceiling, null);
    await page.keyboard.press('Escape');
    await press(page, 'fence-delete');
    await page.locator('[data-testid="fence-delete-confirm"]:focus:enabled').waitFor();
    await page.keyboard.press('Enter');
    await row.waitFor({ state: 'detached' });
    assert.deepEqual(await listed(), []);
  });
});

/** The emergency fence that the server has now; it is taken away. */
async function emergency(page) {
  // Its details ask the server about it; taken away too soon that is a 404.
  await page.getByTestId('fence-enforcement').waitFor();
  const { body } = await api('GET', '/v1/fences?limit=200');
  const f = body.items.find((x) => x.geometry.type === 'Point' && x.schedule?.windows?.length === 1 && x.radius_m === 200);
  assert.ok(f, 'an emergency fence');
  await api('DELETE', `/v1/fences/${f.id}`, undefined, { 'If-Match': `"${f.rev}"` });
  return f;
}
const settled = (page) => page.getByTestId('emergency').waitFor({ state: 'detached', timeout: 10_000 });

test('an emergency fence takes three actions and less than five seconds', async () => {
  await withFences({}, async (page) => {
    const [x, y] = await at(page, 0.15, 0.85);
    const before = await page.evaluate(() => performance.now());
    await page.keyboard.press('F');
    await page.mouse.click(x, y);
    await page.keyboard.press('Enter');
    await settled(page);
    const took = (await page.evaluate(() => performance.now())) - before;
    const f = await emergency(page);
    assert.ok(took < 5_000, `${took} ms`);
    assert.deepEqual([f.kind, f.floor, f.ceiling, f.response], ['keep_out', null, null, 'warn']);
    const minutes = (Date.parse(f.schedule.windows[0].to) - Date.parse(f.schedule.windows[0].from)) / 60_000;
    assert.equal(Math.round(minutes), 60);
    const px = await page.evaluate((c) => window.__tz.pixelOf(c), f.geometry.coordinates);
    const box = await page.locator('.map').boundingBox();
    assert.ok(Math.hypot(px[0] + box.x - x, px[1] + box.y - y) < 1.5, 'where the click was');

    // From the menu of a place it is two more: choose, confirm.
    await page.mouse.click(x + 30, y, { button: 'right' });
    await page.getByTestId('map-menu').getByText('New emergency fence here').click();
    await page.getByTestId('emergency-set').click();
    await settled(page);
    await emergency(page);

    await page.keyboard.press('F');
    await page.getByTestId('emergency-placing').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('emergency-placing').waitFor({ state: 'detached' });
  });
});

test('keyboard: an emergency fence at the centre of the map', async () => {
  await withKeys(async (page) => {
    await page.keyboard.press('F');
    await page.getByTestId('emergency-placing').waitFor();
    await page.keyboard.press('Enter');
    await page.getByTestId('emergency').waitFor();
    await page.keyboard.press('Enter');
    await settled(page);
    const f = await emergency(page);
    const px = await page.evaluate((c) => window.__tz.pixelOf(c), f.geometry.coordinates);
    const box = await page.locator('.map').boundingBox();
    assert.ok(Math.hypot(px[0] - box.width / 2, px[1] - box.height / 2) < 2);
  });
});

test('a schedule of windows and weekdays comes to the server and back', async () => {
  await withFences({}, async (page) => {
    const f = await create('schedule');
    await page.locator(`[data-fence="${f.id}"]`).click();
    await page.getByTestId('fence-edit').click();
    await page.getByTestId('schedule-always').focus();
    await page.keyboard.press('Space');
    await press(page, 'add-window');
    await page.getByTestId('window-0-from').fill('2027-01-02T08:00');
    await page.getByTestId('window-0-to').fill('2027-01-02T07:00');
    await press(page, 'add-week');
    await page.getByTestId('editor-preview').click();
    await page.getByText('The end must be after the start').waitFor();
    await page.getByTestId('window-0-to').fill('2027-01-02T18:00');
    await publish(page);
    const { body } = await api('GET', `/v1/fences/${f.id}`);
    assert.deepEqual(body.schedule.windows.map((w) => [Date.parse(w.from), Date.parse(w.to)]), [[Date.parse('2027-01-02T00:00:00Z'), Date.parse('2027-01-02T10:00:00Z')]]);
    assert.deepEqual(body.schedule.weekly, [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '18:00' }]);
    await page.getByTestId('fence-edit').click();
    assert.equal(await page.getByTestId('window-0-from').inputValue(), '2027-01-02T08:00');
  });
});

test('import reports before it publishes; export is a file', async () => {
  await withFences({}, async (page) => {
    const feature = (name, coordinates) => ({ type: 'Feature', properties: { name: PREFIX + name, kind: 'keep_out' }, geometry: { type: 'Polygon', coordinates: [coordinates] } });
    const bow = [[121.9, 30.87], [121.91, 30.88], [121.91, 30.87], [121.9, 30.88], [121.9, 30.87]];
    const text = JSON.stringify({ type: 'FeatureCollection', features: [feature('good', square()), feature('bow tie', bow)] });
    await page.getByTestId('fence-import').click();
    await page.getByTestId('import-file').setInputFiles({ name: 'area.geojson', mimeType: 'application/geo+json', buffer: Buffer.from(text) });
    const rows = page.getByTestId('import-report').locator('tbody tr');
    await rows.nth(1).waitFor();
    assert.equal(await rows.nth(1).getAttribute('data-result'), 'refused');
    assert.deepEqual(await listed(), []);
    await page.getByTestId('import-publish').click();
    await page.getByTestId('import').getByText('1 fences were published').waitFor();
    assert.deepEqual((await listed()).map((f) => f.name), [`${PREFIX}good`]);
    await page.keyboard.press('Escape');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('fence-export-geojson').click()]);
    const chunks = [];
    for await (const c of await download.createReadStream()) chunks.push(c);
    const file = JSON.parse(Buffer.concat(chunks).toString());
    assert.ok(file.features.some((f) => JSON.stringify(f).includes(`${PREFIX}good`)));
  });
});

for (const c of [{ locale: 'en-GB', scheme: 'dark' }, { locale: 'zh-CN', scheme: 'light' }]) {
  test(`every panel in ${c.locale} ${c.scheme}: nothing cut off, axe finds nothing`, async () => {
    await withFences(c, async (page) => {
      const clean = async (where) => {
        assert.deepEqual(await flaws(page), [], where);
        assert.deepEqual(await axe(page), [], where);
      };
      const f = await create('panels', { schedule: { weekly: [{ days: ['mon'], from: 'sunrise-00:30', to: '20:00' }], holidays: 'except' }, margin_m: 3 });
      const unproved = await stray(2); // no fence is enforced for it
      await page.locator(`[data-fence="${f.id}"]`).click();
      await page.locator('[data-testid=fence-enforcement] summary').click();
      unproved.stop();
      await page.getByTestId('fence-delete').click();
      await page.locator(`[data-fence="${f.id}"]`).getByTestId('pick').click();
      await clean('list, details, delete');
      await page.getByTestId('picked-schedule').click();
      await page.getByTestId('add-week').or(page.getByTestId('schedule-always')).first().waitFor();
      await clean('batch: choice');
      await page.getByTestId('batch-preview').click();
      await page.getByTestId('batch-plan').waitFor();
      await clean('batch: preview');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.getByTestId('fence-deleted').click();
      await page.locator('[data-testid=deleted] [data-deleted], [data-testid=deleted] .empty').first().waitFor();
      await clean('deleted');
      await page.keyboard.press('Escape');
      await page.getByTestId('fence-edit').click();
      await page.getByTestId('add-window').click();
      await page.getByTestId('draft-kind').selectOption('speed_limit');
      await page.getByTestId('coordinates').fill('1\n2');
      await page.getByTestId('coordinates-apply').click();
      await page.getByTestId('editor-preview').click();
      await clean('editor with faults');
      await page.getByTestId('draft-speed').fill('4');
      await page.getByTestId('editor-preview').click();
      await page.getByTestId('editor-publish').waitFor();
      await clean('preview');
      await page.getByTestId('editor-publish').click();
      await page.getByTestId('fence-versions').click();
      await page.locator(`tr[data-rev="${f.rev}"]`).click();
      await page.getByTestId('version-restore').click();
      await clean('versions');
      await page.keyboard.press('Escape');
      await page.getByTestId('fence-import').click();
      await clean('import');
      await page.keyboard.press('Escape');
      await page.keyboard.press('F');
      await clean('emergency: place');
      await page.keyboard.press('Enter');
      await page.getByTestId('emergency').waitFor();
      await clean('emergency: confirm');
      await page.keyboard.press('Escape');
      await click(page, 0.2, 0.9, { button: 'right' });
      await page.getByTestId('map-menu').waitFor();
      await clean('menu');
    });
  });
}
