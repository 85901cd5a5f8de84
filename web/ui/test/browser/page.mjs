// Opens the running server's page in the distribution's Chromium, in a fresh
// profile, and collects what must not happen: console errors, page errors, and
// requests to anywhere else. TZ_URL and TZ_TOKEN name the server.

import assert from 'node:assert/strict';
import dgram from 'node:dgram';
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

// The details of a fence ask about it every few seconds, also just after somebody took
// it away: the browser then writes an error, and the page says that it does not know.
const GONE = /\/v1\/fences\/[^/]+\/enforcement$/;

/**
 * Ten frames a second: the map is drawn by the processor here, and sixty of its
 * frames leave nothing of two cores for what is tested.
 */
function fewFrames() {
  const [ask, drop] = [window.requestAnimationFrame.bind(window), window.cancelAnimationFrame.bind(window)];
  const waiting = new Map();
  let [last, ids] = [-100, 0];
  window.requestAnimationFrame = (callback) => {
    const id = ++ids;
    const frame = () => ask((t) => {
      waiting.delete(id);
      last = performance.now();
      callback(t);
    });
    const late = setTimeout(() => {
      const asked = frame();
      waiting.set(id, () => drop(asked));
    }, Math.max(0, last + 100 - performance.now()));
    waiting.set(id, () => clearTimeout(late));
    return id;
  };
  window.cancelAnimationFrame = (id) => {
    waiting.get(id)?.();
    waiting.delete(id);
  };
}

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
  await context.addInitScript(fewFrames);
  const wrong = [];
  const watch = (page) => {
    page.on('pageerror', (e) => wrong.push(`page error: ${e.stack ?? e}`));
    page.on('console', (m) => {
      if (m.type() === 'error' && !options.allow?.test(m.text()) && !GONE.test(m.location().url)) wrong.push(`console error: ${m.text()} (${m.location().url})`);
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

/** Signs in by mouse and waits until the map is drawn, and vehicles and lists are there. */
export async function signIn(page, lists = true) {
  await page.fill('#token', token);
  await page.click('button[type=submit]');
  await ready(page, lists);
}

/** lists: they come after the first view. */
export async function ready(page, lists = true) {
  await page.waitForFunction(
    (lists) => window.__tz.connection().state === 'live' && window.__tz.map().loaded && window.__tz.vehicles().some((v) => v.px) && (!lists || document.getElementById('tab-vehicles') !== null),
    lists,
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

/** Makes an organisation, which another test may have made. */
export async function organisation(id, name, kind) {
  const { body } = await api('GET', '/v1/organisations?limit=200');
  if (!body.items.some((o) => o.id === id)) await api('POST', '/v1/organisations', { id, name, kind });
}

/** Puts a keep-out circle around a vehicle that flies now, so that it is in breach at once. */
export async function breach(page, name, over) {
  const v = over ?? (await page.evaluate(() => window.__tz.vehicles().find((u) => u.class === 'uav' && u.px)));
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

// Places north of the test area, where nobody else flies, one for each stray drone:
// one that fell silent is still there.
const PLACES = [0, 1, 2, 3, 4].map((n) => ({ lon: 121.9139 + 0.007 * n, lat: 30.9115 }));

/**
 * A drone that proves nothing: it hovers and speaks unsigned MAVLink to the
 * open listener (TZ_MAVLINK), so that it is UNVERIFIED. It is followed, with the
 * quality of its position, when this returns; stop has it disarm and fall silent.
 */
export async function stray(place) {
  const at = PLACES[place];
  const { MavLinkProtocolV2, common, minimal } = require('node-mavlink');
  const [, host, port] = /^(.+):(\d+)$/.exec(process.env.TZ_MAVLINK);
  const socket = dgram.createSocket('udp4');
  const protocol = new MavLinkProtocolV2(77, 1);
  const [lon, lat, begun] = [Math.round(at.lon * 1e7), Math.round(at.lat * 1e7), Date.now()];
  let seq = 0;
  const say = (Message, fields) => socket.send(protocol.serialize(Object.assign(new Message(), fields), seq++ % 256), Number(port), host);
  const beat = (baseMode) => say(minimal.Heartbeat, { type: 2, autopilot: 3, baseMode, customMode: 5, systemStatus: 4, mavlinkVersion: 3 });
  const timer = setInterval(() => {
    beat(209);
    say(common.GpsRawInt, {
      timeUsec: 0n, fixType: 3, lat, lon, alt: 50_000, eph: 80, epv: 120, vel: 0, cog: 0, satellitesVisible: 14,
      altEllipsoid: 0, hAcc: 900, vAcc: 1400, velAcc: 0, hdgAcc: 0, yaw: 0,
    });
    say(common.GlobalPositionInt, { timeBootMs: Date.now() - begun + 1000, lat, lon, alt: 50_000, relativeAlt: 46_000, vx: 0, vy: 0, vz: 0, hdg: 0 });
  }, 200);
  for (let tries = 0; ; tries++) {
    const { items } = (await api('GET', '/v1/tracks?limit=500')).body;
    if (items.some((t) => t.source?.system_id === 77 && !t.verified && t.link === 'nominal' && t.grounds?.quality === 'good' && Math.abs(t.position?.lon - at.lon) < 1e-4)) break;
    assert.ok(tries < 100, 'the stray drone is not followed');
    await new Promise((next) => setTimeout(next, 100));
  }
  return {
    ...at,
    stop: () => {
      clearInterval(timer);
      beat(81);
      setTimeout(() => socket.close(), 200);
    },
  };
}

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
