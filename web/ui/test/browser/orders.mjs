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

export const METRES_PER_DEGREE = 111_320;

/** A vehicle that was on its way, held by somebody, so that it waits for what comes. */
export async function held(who, prefix) {
  const id = await onItsWay(prefix);
  await who.call('POST', `/v1/vehicles/${id}/orders`, { kind: 'hold' });
  for (let tries = 0; (await newest(id)).state !== 'in_effect'; tries++) {
    assert.ok(tries < 240, `${id} is not held: ${JSON.stringify(await newest(id))}`);
    await new Promise((done) => setTimeout(done, 250));
  }
  return (await api('GET', `/v1/tracks/${id}`)).body;
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

/** Holds a button until something has happened. */
export async function holdUntil(page, button, happens) {
  await button.hover();
  await page.mouse.down();
  try {
    return await happens;
  } finally {
    await page.mouse.up();
  }
}
