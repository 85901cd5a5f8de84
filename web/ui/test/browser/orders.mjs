// Orders on the card of a vehicle, for the tests that give some.

import assert from 'node:assert/strict';
import { enter } from '../accounts/people.mjs';
import { api, ready, signIn, withPage } from './page.mjs';

export const SLOW = { timeout: 60_000 };

/** A vehicle that is on its way now, and that nobody has ordered about. */
export async function onItsWay(prefix) {
  for (let tries = 0; tries < 120; tries++) {
    const { body } = await api('GET', '/v1/tracks?limit=200');
    for (const v of body.items.filter((w) => w.id.startsWith(prefix) && w.verified && w.phase === 'moving' && w.mode.name === 'auto')) {
      if ((await api('GET', `/v1/vehicles/${v.id}/orders`)).body.items.length === 0) return v.id;
    }
    await new Promise((done) => setTimeout(done, 500));
  }
  return assert.fail(`no ${prefix} is on its way`);
}
export const withCard = (who, id, options, body) => withPage({ ...options, query: `?sel=${id}` }, async (page) => {
  if (options.narrow) await page.setViewportSize({ width: 390, height: 844 });
  if (who) {
    await enter(page, who.login);
    await ready(page);
  } else await signIn(page);
  await page.getByTestId('card').locator('.enforcement').waitFor();
  await body(page);
});
export const inEffect = (page, kind) => page.locator(`[data-kind=${kind}][data-state=in_effect]`).first().waitFor(SLOW);
export const newest = async (id) => (await api('GET', `/v1/vehicles/${id}/orders`)).body.items[0];

/** The order itself, not the dry run. */
export const ordered = (page, id) => page.waitForRequest((r) => r.method() === 'POST' && r.url().endsWith(`/${id}/orders`));
export async function holdByMouse(page, id, kind) {
  await page.getByTestId(`order-${kind}`).hover();
  const asked = ordered(page, id);
  await page.mouse.down();
  const r = await asked;
  await page.mouse.up();
  return r;
}
