// People of a zone that is set up: made by the bootstrap token while it has every
// right, with passwords of their own, and signed in on pages of their own.

import assert from 'node:assert/strict';
import { api, axe, base, flaws, withPage } from '../browser/page.mjs';

const FIRST = 'first-tide-of-the-day';
const OWN = 'quiet-harbour-morning';

/** A session outside the browser: its calls, by cookie. */
async function session(login, password) {
  const call = async (method, resource, body, headers = {}) => {
    const r = await fetch(base + resource, {
      method, headers: { Cookie: cookie, ...(body ? { 'Content-Type': 'application/json' } : {}), ...headers }, body: body ? JSON.stringify(body) : undefined,
    });
    cookie = r.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
    const text = await r.text();
    assert.ok(r.ok, `${method} ${resource} as ${login}: ${r.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };
  let cookie = '';
  await call('POST', '/v1/session', { login, password });
  return call;
}

/** A person with a password of its own, and its calls. */
export async function person(login, name, organisation, roles) {
  const { body } = await api('POST', '/v1/people', { organisation, roles, login, name, subject: '', password: FIRST });
  const call = await session(login, FIRST);
  await call('PUT', '/v1/session/password', { current: FIRST, password: OWN });
  return { id: body.id, login, name, call };
}

/** Signs a person in by mouse. */
export async function enter(page, login, password = OWN) {
  if (await page.locator('#token').count()) await page.getByTestId('signin-way').click();
  await page.fill('#login', login);
  await page.fill('#password', password);
  await page.click('button[type=submit]');
}

/** A page of an own browser with the accounts of a person open. */
export const withDesk = (who, options, body) => withPage(options, async (page) => {
  await enter(page, who.login);
  await page.getByTestId('desk').click();
  await page.locator('#desk-me').waitFor();
  await body(page);
});

export const open = async (page, name) => {
  await page.locator(`#desk-${name}`).click();
  await page.locator(`#desk-${name}[aria-selected=true]`).waitFor();
};
export const edit = async (page, who) => {
  await open(page, 'people');
  await page.locator(`[data-person="${who.id}"] button`).click();
  await page.getByTestId('person-form').waitFor();
};
export const clean = async (page, where) => {
  assert.deepEqual(await flaws(page), [], where);
  assert.deepEqual(await axe(page), [], where);
};
