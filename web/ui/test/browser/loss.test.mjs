// The network between page and server, cut and joined by a real TCP relay: the
// page says within 3 s that it is not live, comes back by itself, and has missed
// no alert.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { api, base, breach, signIn, withPage } from './page.mjs';

/** Relays to the server. cut() breaks all connections and takes no new ones; stall() keeps them and passes nothing on. */
async function relay() {
  const target = new URL(base);
  const pairs = new Set();
  let mode = 'open';
  const server = net.createServer((client) => {
    if (mode === 'cut') return client.destroy();
    const upstream = net.connect(Number(target.port), target.hostname);
    const pair = [client, upstream];
    pairs.add(pair);
    const end = () => {
      for (const s of pair) s.destroy();
      pairs.delete(pair);
    };
    for (const s of pair) {
      s.on('error', end);
      s.on('close', end);
      if (mode === 'stall') s.pause();
    }
    client.on('data', (d) => upstream.write(d));
    upstream.on('data', (d) => client.write(d));
    if (mode === 'stall') for (const s of pair) s.pause();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    cut() {
      mode = 'cut';
      for (const pair of pairs) for (const s of pair) s.destroy();
    },
    stall() {
      mode = 'stall';
      for (const pair of pairs) for (const s of pair) s.pause();
    },
    join() {
      mode = 'open';
      for (const pair of pairs) for (const s of pair) s.resume();
    },
    close() {
      this.cut();
      server.close();
    },
  };
}

/** The browser keeps the server's name and origin, but connects to the relay. */
async function withRelay(body) {
  const r = await relay();
  const { host } = new URL(base);
  try {
    await withPage(
      { args: [`--host-resolver-rules=MAP ${host} 127.0.0.1:${r.port}`], allow: /WebSocket connection|net::ERR_/ },
      (page) => body(page, r),
    );
  } finally {
    r.close();
  }
}

const banner = (page) => page.getByTestId('banner');

/** How long after act the banner was in a painted frame, by the page's own observer. */
async function bannerWithin(page, ms, act) {
  await page.evaluate(() => {
    window.bannerAt = new Promise((done) => {
      const painted = () => requestAnimationFrame(() => done(performance.timeOrigin + performance.now()));
      const watch = new MutationObserver(() => {
        if (!document.querySelector('[data-testid=banner]')) return;
        watch.disconnect();
        painted();
      });
      watch.observe(document.body, { childList: true, subtree: true });
    });
  });
  const start = performance.timeOrigin + performance.now();
  act();
  await banner(page).waitFor({ timeout: 15_000 });
  const took = (await page.evaluate(() => window.bannerAt)) - start;
  assert.ok(took > 1_500 && took < ms, `the banner came after ${took.toFixed(0)} ms`);
}

test('a cut connection: banner within 3 s, then live again without a lost alert', async () => {
  await withRelay(async (page, r) => {
    await signIn(page);
    assert.equal(await banner(page).count(), 0);
    await bannerWithin(page, 3_000, () => r.cut());
    assert.match(await banner(page).innerText(), /LIVE DATA STOPPED \d\d:\d\d:\d\d/);
    assert.match(await page.locator('.map').evaluate((el) => getComputedStyle(el).filter), /grayscale\(1\)/);
    assert.equal(await page.getByTestId('link').getAttribute('data-state'), 'waiting');
    // The picture stays, marked as old.
    assert.ok((await page.evaluate(() => window.__tz.vehicles().length)) > 0);
    const raised = breach(page, 'while away');
    await page.waitForFunction(() => window.__tz.connection().stopped);
    r.join();
    await page.waitForFunction(() => window.__tz.connection().state === 'live' && !window.__tz.connection().stopped, null, { timeout: 15_000 });
    const { id, remove } = await raised;
    await remove();
    await api('POST', `/v1/alerts/${id}/acknowledge`, {});
    await banner(page).waitFor({ state: 'detached' });
    assert.ok((await page.evaluate(() => window.__tz.connection().reconnects)) >= 1);
  });
});

test('a stalled connection that never closes: banner within 3 s, then live again', async () => {
  await withRelay(async (page, r) => {
    await signIn(page);
    await bannerWithin(page, 3_000, () => r.stall());
    // The page gives up the dead socket by itself; the new one finds the way free.
    await page.waitForFunction(() => window.__tz.connection().state === 'waiting', null, { timeout: 15_000 });
    r.join();
    await banner(page).waitFor({ state: 'detached', timeout: 20_000 });
    assert.equal(await page.evaluate(() => window.__tz.connection().badFrames), 0);
  });
});
