// The fence editor: a shape by mouse and by keyboard alone, against the running
// server. A test takes away what it made.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  PREFIX, at, click, drag, editor, eventually, frames, listed, newFence, press, publish, ring, tabTo, withFences, withKeys,
} from './fences.mjs';

test('mouse: a polygon is drawn, its corners edited, undone and redone, previewed and published', async () => {
  await withFences({}, async (page) => {
    await newFence(page, 'polygon');
    for (const p of [[0.3, 0.3], [0.6, 0.3], [0.6, 0.6]]) await click(page, ...p);
    // Towards a corner that makes the way cross itself: said before the click.
    await page.mouse.move(...(await at(page, 0.45, 0.15)), { steps: 5 });
    await eventually(page, () => window.__tz.editor().faults.includes('crossing'));
    assert.match(await page.getByTestId('shape-faults').innerText(), /Edge 1 crosses edge 3/);
    await click(page, 0.3, 0.6);
    await click(page, 0.3, 0.3);
    await eventually(page, () => window.__tz.editor().tool === 'select' && window.__tz.editor().shape !== null);
    const drawn = await ring(page);
    assert.equal(drawn.length, 4);
    assert.deepEqual((await editor(page)).faults, []);

    await drag(page, [0.6, 0.6], [0.7, 0.7]);
    const dragged = await ring(page);
    assert.equal(dragged.filter((p) => drawn.some((q) => String(p) === String(q))).length, 3, 'one corner has moved');
    await drag(page, [0.45, 0.3], [0.45, 0.2]);
    const added = await ring(page);
    assert.equal(added.length, 5, 'the point between two corners became a corner');
    await click(page, 0.45, 0.2, { button: 'right' });
    await frames(page, 3);
    assert.equal((await ring(page)).length, 4, 'the right button took it away');

    await page.getByTestId('undo').click();
    assert.deepEqual(await ring(page), added);
    await page.keyboard.press('Control+z');
    assert.deepEqual(await ring(page), dragged);
    await page.keyboard.press('Control+z');
    assert.deepEqual(await ring(page), drawn);
    await page.getByTestId('redo').click();
    assert.deepEqual(await ring(page), dragged);

    await page.getByTestId('draft-name').fill(`${PREFIX}polygon`);
    await page.getByTestId('draft-ceiling').fill('120');
    await page.getByTestId('draft-response').selectOption('hold');
    await publish(page);
    const [f] = await listed();
    assert.deepEqual(f.geometry.coordinates[0].slice(0, -1), dragged, 'the server holds what was drawn');
    assert.deepEqual([f.ceiling, f.response, f.kind], [{ m: 120, datum: 'amsl' }, 'hold', 'keep_out']);
    await page.getByTestId('fence-details').getByText(`${PREFIX}polygon`).waitFor();
  });
});

test('mouse: rectangle, circle, corridor and hole', async () => {
  await withFences({}, async (page) => {
    await newFence(page, 'rectangle');
    await click(page, 0.3, 0.3);
    await click(page, 0.7, 0.7);
    await eventually(page, () => window.__tz.editor().tool === 'select');
    assert.equal((await ring(page)).length, 4);
    await page.getByTestId('tool-hole').click();
    for (const p of [[0.4, 0.4], [0.5, 0.4], [0.5, 0.5], [0.4, 0.4]]) await click(page, ...p);
    await eventually(page, () => window.__tz.editor().shape.polygons[0].length === 2);
    await page.getByTestId('draft-name').fill(`${PREFIX}hole`);
    await publish(page);

    await newFence(page, 'circle');
    await click(page, 0.4, 0.4);
    await click(page, 0.5, 0.4);
    await eventually(page, () => window.__tz.editor().shape?.kind === 'circle');
    const { shape } = await editor(page);
    await drag(page, [0.5, 0.4], [0.6, 0.4]);
    const wider = (await editor(page)).shape;
    assert.ok(Math.abs(wider.radiusM / shape.radiusM - 2) < 0.1, `dragged to twice the radius: ${shape.radiusM} ${wider.radiusM}`);
    await drag(page, [0.42, 0.42], [0.52, 0.52]);
    assert.ok((await editor(page)).shape.center[0] > wider.center[0], 'its inside moves it');
    await page.getByTestId('draft-name').fill(`${PREFIX}circle`);
    await publish(page);

    await newFence(page, 'corridor');
    for (const p of [[0.3, 0.5], [0.5, 0.4], [0.7, 0.5], [0.7, 0.5]]) await click(page, ...p);
    await eventually(page, () => window.__tz.editor().shape?.kind === 'corridor');
    await page.getByTestId('shape-measure').fill('80');
    await page.getByTestId('draft-name').fill(`${PREFIX}corridor`);
    await page.getByTestId('draft-kind').selectOption('speed_limit');
    await page.getByTestId('draft-speed').fill('5.5');
    await publish(page);

    const by = Object.fromEntries((await listed()).map((f) => [f.name.slice(PREFIX.length), f]));
    assert.equal(by.hole.geometry.coordinates.length, 2);
    assert.equal(by.circle.geometry.type, 'Point');
    assert.deepEqual([by.corridor.geometry.type, by.corridor.width_m, by.corridor.kind, by.corridor.speed_mps], ['LineString', 80, 'speed_limit', 5.5]);
  });
});

test('keyboard: a new fence by coordinates, previewed and published', async () => {
  await withKeys(async (page) => {
    await press(page, 'fence-new');
    await tabTo(page, 'coordinates');
    await page.keyboard.type('30°52′27.12″N 121°54′04.32″E\n30.8741, 121.9062\n北纬30.8781 东经121.9062\n');
    await page.keyboard.type('30.8781, 181\n');
    await press(page, 'coordinates-apply');
    await page.getByText('Line 4: outside of the globe').waitFor();
    await tabTo(page, 'coordinates', true);
    await page.keyboard.press('Control+End');
    await page.keyboard.press('Shift+ArrowUp');
    await page.keyboard.type('30.8781, 121.9012\nhole\n30.8751 121.9022\n30.8751 121.9032\n30.8761 121.9032');
    await press(page, 'coordinates-apply');
    await eventually(page, () => window.__tz.editor().shape?.polygons[0].length === 2 && window.__tz.editor().faults.length === 0);
    await tabTo(page, 'draft-name');
    await page.keyboard.type(`${PREFIX}keys`);
    await page.keyboard.press('Enter');
    await page.getByTestId('editor-publish').waitFor();
    assert.match(await page.getByTestId('preview-count').innerText(), /./);
    await press(page, 'editor-publish');
    await page.getByTestId('fence-editor').waitFor({ state: 'detached' });
    const [f] = await listed();
    assert.deepEqual(f.geometry.coordinates[0][0], [121.9012, 30.8742]);
    assert.equal(f.geometry.coordinates.length, 2);
  });
});

test('keyboard: circle and corridor by numbers, undo, Escape leaves', async () => {
  await withKeys(async (page) => {
    for (const [form, text, measure] of [['circle', '30.8741 121.9012', '150'], ['corridor', '30.8741 121.9012\n30.8781 121.9062', '60']]) {
      await press(page, 'fence-new');
      await tabTo(page, 'shape-form');
      await page.keyboard.type(form.slice(0, 3));
      await tabTo(page, 'shape-measure');
      await page.keyboard.type(measure);
      await tabTo(page, 'coordinates');
      await page.keyboard.type(text);
      await press(page, 'coordinates-apply');
      await eventually(page, (k) => window.__tz.editor().shape?.kind === k && window.__tz.editor().faults.length === 0, form);
      const { shape } = await editor(page);
      assert.equal(shape.radiusM ?? shape.widthM, Number(measure));
      await press(page, 'undo', true);
      assert.equal((await editor(page)).shape, null);
      await press(page, 'redo');
      assert.deepEqual((await editor(page)).shape, shape);
      await page.keyboard.press('Escape');
      await page.getByTestId('editor-discard').waitFor();
      await page.keyboard.press('Enter');
      await page.getByTestId('fence-editor').waitFor({ state: 'detached' });
    }
    assert.deepEqual(await listed(), []);
  });
});

test('pasted coordinates replace the shape; a crossing keeps it from the preview', async () => {
  await withFences({}, async (page) => {
    await page.getByTestId('fence-new').click();
    const paste = (text) => page.getByTestId('coordinates').evaluate((el, t) => {
      const data = new DataTransfer();
      data.setData('text', t);
      el.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, text);
    await paste('30.874 121.901\n30.878 121.906\n30.878 121.901\n30.874 121.906');
    await eventually(page, () => window.__tz.editor().faults.includes('crossing'));
    assert.ok(await page.getByTestId('editor-preview').isDisabled());
    await paste('30.874 121.901\n30.874 121.906\n30.878 121.906\n30.878 121.901');
    await eventually(page, () => window.__tz.editor().faults.length === 0);
    await page.getByTestId('editor-preview').click();
    await page.getByText('A name of 1 to 120 characters').waitFor();
  });
});

test('what the server refuses is said at the field', async () => {
  await withFences({ allow: /422/ }, async (page) => {
    await page.getByTestId('fence-new').click();
    await page.getByTestId('coordinates').fill('30.874 121.901\n30.874 121.906\n30.878 121.906');
    await page.getByTestId('coordinates-apply').click();
    await page.getByTestId('draft-name').fill(`${PREFIX}\u202ebad`);
    await page.getByTestId('editor-preview').click();
    await page.locator('#fault-name').getByText('writing direction').waitFor();
    assert.equal(await page.getByTestId('draft-name').getAttribute('aria-invalid'), 'true');
  });
});
