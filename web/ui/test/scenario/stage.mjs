// What the scenarios share: people at their pages, and the stagehand of the Go test, who
// has vehicles misbehave and kills the server.

import assert from 'node:assert/strict';
import { enter } from '../accounts/people.mjs';
import { axe, base, flaws, ready, withPage } from '../browser/page.mjs';

const { TZ_STAGE, TZ_PASSWORD, TZ_SHOTS } = process.env;
assert.ok(TZ_STAGE && TZ_PASSWORD, 'the Go test TestScenariosInBrowser names the stage');

const stage = async (method, path, fields = {}) => {
  const r = await fetch(`${TZ_STAGE}/${path}?${new URLSearchParams(fields)}`, { method });
  assert.ok(r.ok, `${path}: ${r.status}`);
  return r.text();
};
/** A vehicle behaves as a line of the simulator's script says. */
export const does = (vehicle, line) => stage('POST', 'does', { vehicle, line });
/** All of that is over. */
export const end = () => stage('POST', 'end');
export const kill = () => stage('POST', 'kill');
export const serve = () => stage('POST', 'serve');
/** The commands that were sent to a vehicle. */
export const sent = async (vehicle, since = 0) => JSON.parse(await stage('GET', 'sent', { vehicle, since_ms: since })) ?? [];

/** A condition that takes as long as it takes, on a busy machine too. */
export const SLOW = { timeout: 120_000 };

/** A controller of the field, ada or bob, at a page of its own. */
export const at = (login, options, body) => withPage(options, async (page, context) => {
  await signIn(page, login);
  await body(page, context);
});
export async function signIn(page, login) {
  await enter(page, login, TZ_PASSWORD + login);
  await ready(page);
}

/** A picture for who writes a scenario: TZ_SHOTS names the folder. */
export const shot = async (page, name) => TZ_SHOTS && void (await page.screenshot({ path: `${TZ_SHOTS}/${name}.png` }));

export const clean = async (page, where) => {
  assert.deepEqual(await flaws(page), [], where);
  assert.deepEqual(await axe(page), [], where);
};

/** Keeps a button pressed until something has come of it. */
export async function hold(page, testid, until) {
  await page.getByTestId(testid).scrollIntoViewIfNeeded();
  await page.getByTestId(testid).hover();
  await page.mouse.down();
  await until();
  await page.mouse.up();
}

/** Draws a rectangle by mouse around vehicles, with room to all sides. */
export async function drawAround(page, ids, margin = 40) {
  const box = await page.locator('.map').boundingBox();
  const px = await page.evaluate((wanted) => window.__tz.vehicles().filter((v) => wanted.includes(v.id)).map((v) => v.px), ids);
  assert.equal(px.filter(Boolean).length, ids.length, 'all of them are in view');
  const [xs, ys] = [px.map((p) => p[0]), px.map((p) => p[1])];
  const corner = async (x, y) => {
    await page.mouse.move(box.x + x, box.y + y, { steps: 4 });
    await page.mouse.click(box.x + x, box.y + y);
    await page.waitForTimeout(280); // sooner the drawing library takes two clicks for one
  };
  await corner(Math.min(...xs) - margin, Math.min(...ys) - margin);
  await corner(Math.max(...xs) + margin, Math.max(...ys) + margin);
}

export { base };
