// Opens the running server's page in the distribution's Chromium, in a fresh
// profile, and collects what must not happen: console errors, page errors, and
// requests to anywhere else. TZ_URL and TZ_TOKEN name the server.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const { TZ_URL, TZ_TOKEN } = process.env;
assert.ok(TZ_URL && TZ_TOKEN, 'TZ_URL and TZ_TOKEN must name a running server and its token');
export const base = new URL(TZ_URL).origin;
export const token = TZ_TOKEN;

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--hide-scrollbars', '--mute-audio',
];

/**
 * Runs body with a page at the sign-in form. `allow` is a pattern of console
 * errors, and `elsewhere` another origin, that this test causes on purpose.
 */
export async function withPage(options, body) {
  const profile = await mkdtemp(path.join(os.tmpdir(), 'tz-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.TZ_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    viewport: { width: 1280, height: 800 },
    locale: options.locale ?? 'en-GB',
    colorScheme: options.scheme ?? 'dark',
    args: [...FLAGS, ...(options.args ?? [])],
  });
  const wrong = [];
  const watch = (page) => {
    page.on('pageerror', (e) => wrong.push(`page error: ${e.stack ?? e}`));
    page.on('console', (m) => {
      if (m.type() === 'error' && !options.allow?.test(m.text())) wrong.push(`console error: ${m.text()} (${m.location().url})`);
    });
  };
  context.on('request', (r) => {
    const url = new URL(r.url());
    if (url.origin !== base && url.origin !== options.elsewhere && url.protocol !== 'data:' && !r.url().startsWith(`blob:${base}`)) wrong.push(`request to ${r.url()}`);
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    watch(page);
    page.on('websocket', (ws) => {
      if (new URL(ws.url()).host !== new URL(base).host) wrong.push(`websocket to ${ws.url()}`);
    });
    await page.goto(`${base}/${options.query ?? ''}`);
    await page.locator('#token').waitFor();
    await body(page, context);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}

/** Signs in by mouse and waits until the map is drawn and vehicles are there. */
export async function signIn(page) {
  await page.fill('#token', token);
  await page.click('button[type=submit]');
  await ready(page);
}

export async function ready(page) {
  await page.waitForFunction(
    () => window.__tz.connection().state === 'live' && window.__tz.map().loaded && window.__tz.vehicles().some((v) => v.px),
    null,
    { timeout: 60_000 },
  );
}

/** A call of the public API, from outside the browser. */
export async function api(method, resource, body, headers = {}) {
  const r = await fetch(base + resource, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body ? { 'Content-Type': 'application/json' } : {}), ...headers },
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await r.text();
  assert.ok(r.ok, `${method} ${resource}: ${r.status} ${text}`);
  return { body: text ? JSON.parse(text) : null, etag: r.headers.get('ETag') };
}

/** Puts a keep-out circle around a vehicle that flies now, so that it is in breach at once. */
export async function breach(page, name) {
  const v = await page.evaluate(() => window.__tz.vehicles().find((u) => u.class === 'uav' && u.px));
  assert.ok(v, 'a drone in view');
  const { body: fence, etag } = await api('POST', '/v1/fences', {
    name, kind: 'keep_out', geometry: { type: 'Point', coordinates: [v.lon, v.lat] }, radius_m: 250,
    floor: null, ceiling: null, applies: { classes: ['uav'] }, response: 'warn',
  });
  const row = page.locator('[data-alert]', { hasText: name }).first();
  await row.waitFor({ timeout: 10_000 });
  const id = await row.getAttribute('data-alert');
  const remove = () => api('DELETE', `/v1/fences/${fence.id}`, undefined, { 'If-Match': etag });
  return { id, row: page.locator(`[data-alert="${id}"]`), remove };
}

const require = createRequire(import.meta.url);
let axeSource;

/** All findings of axe-core, as short texts. */
export async function axe(page) {
  axeSource ??= await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  // Evaluated by the debugger, not by a script element: the page's policy stays on.
  await page.evaluate(`${axeSource}; undefined`);
  const violations = await page.evaluate(async () => (await window.axe.run(document)).violations);
  return violations.flatMap((v) => v.nodes.map((n) => `${v.impact} ${v.id}: ${n.target.join(' ')} ${n.failureSummary}`));
}

/** Buttons whose text does not fit, and texts that look like a key of the catalogue. */
export const flaws = (page) =>
  page.evaluate(() => {
    const out = [];
    for (const b of document.querySelectorAll('button, .tag, .chip')) {
      if (b.offsetParent && b.scrollWidth > b.clientWidth + 1) out.push(`cut off: ${b.textContent}`);
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode.textContent.trim();
      if (/^[a-z]+(\.[a-zA-Z_0-9]+)+$/.test(text)) out.push(`untranslated: ${text}`);
      if (/\{\w+\}/.test(text)) out.push(`unfilled: ${text}`);
    }
    return out;
  });

/**
 * Colours of the vehicle canvas in a square around a vehicle, read in the frame in
 * which it was drawn: null while there was none.
 */
export async function vehiclePixels(page, id) {
  return page.evaluate(async (wanted) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let i = 0; i < 120; i++) {
      await frame();
      const v = window.__tz.vehicles().find((u) => u.id === wanted);
      const canvas = document.querySelector('.overlay canvas');
      if (!v?.px) continue;
      const copy = new OffscreenCanvas(canvas.width, canvas.height);
      const g = copy.getContext('2d');
      g.drawImage(canvas, 0, 0);
      const [x, y] = v.px.map(Math.round);
      const square = [...g.getImageData(x - 8, y - 8, 17, 17).data];
      const all = g.getImageData(0, 0, canvas.width, canvas.height).data;
      let painted = 0;
      for (let p = 3; p < all.length; p += 4) if (all[p] > 0) painted++;
      if (painted === 0) continue;
      const centre = square.slice(4 * (8 * 17 + 8), 4 * (8 * 17 + 8) + 4);
      return { centre, square, share: painted / (canvas.width * canvas.height) };
    }
    return null;
  }, id);
}
