// Lost link over people: a fence that asks to land, because people are below, is drawn
// by mouse around a copter that does not hear. The controller sees the call with its
// phone, that the ladder is frozen, and that it holds by a new order when it is back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api } from '../browser/page.mjs';
import { newFence } from '../browser/fences.mjs';
import { SLOW, at, clean, does, drawAround, end, sent, shot } from './stage.mjs';

const id = 'uav-1';
const newest = async () => (await api('GET', `/v1/vehicles/${id}/enforcement`)).body.items[0];

test('a copter that cannot be reached is not landed on people', () => at('ada', { query: `?sel=${id}` }, async (page) => {
  await api('POST', '/v1/enforcement/confirm', { reason: 'all vehicles are where they are shown' });
  await page.locator('#tab-fences').click();
  await newFence(page, 'rectangle');
  await does(id, 'link deaf');
  await drawAround(page, [id], 60);
  await page.getByTestId('draft-name').fill('People below');
  await page.getByTestId('draft-response').selectOption('land');
  await page.getByTestId('editor-preview').click();
  const row = page.locator(`[data-vehicle-id="${id}"][data-would=breach]`);
  await row.waitFor();
  await shot(page, 'link-1-preview');
  await clean(page, 'preview');
  await page.getByTestId('editor-publish').click();

  const ladder = page.getByTestId('ladder');
  await ladder.waitFor(SLOW);
  await page.locator('[data-step=hold]').first().waitFor(SLOW);
  await page.locator('[data-testid=ladder-call]', { hasText: 'surveyed' }).waitFor(SLOW);
  await does(id, 'link silent');
  await page.locator('[data-testid=ladder][data-state=frozen]').waitFor(SLOW);
  const call = page.locator('[data-alert]', { hasText: 'Call the contact' }).first();
  await call.waitFor(SLOW);
  await shot(page, 'link-2-frozen');
  await call.locator('button[aria-expanded]').click();
  const panel = page.getByTestId('alert-panel');
  await panel.getByText('+86 21 5555 0100').waitFor(SLOW);
  await panel.getByText('Grace Hopper').waitFor();
  await shot(page, 'link-3-call');
  await clean(page, 'frozen, with the call');

  const steps = (await newest()).steps.length;
  const back = Date.now();
  await end();
  await page.locator('[data-testid=ladder][data-state=in_effect]').waitFor(SLOW);
  const l = await newest();
  assert.ok(l.steps.length > steps, 'it holds by a new order');
  assert.ok(Date.parse(l.steps[steps].evidence_at) >= back, 'which rests on what was heard since');
  assert.ok((await sent(id, back)).length > 0);
  await shot(page, 'link-4-back');
  await clean(page, 'held again');
}));
