// How much JavaScript comes before the first view of the map stands, sign-in
// included: what the page really asks for, packed as strongly as gzip can.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { base, signIn, withPage } from './page.mjs';

const GOAL_KB = 330;

for (const locale of ['en-GB', 'zh-CN']) {
  test(`the first view in ${locale} needs at most ${GOAL_KB} kB of JavaScript`, async (t) => {
    await withPage({ locale }, async (page) => {
      await page.goto('about:blank'); // nothing of the first visit is under way any more
      const bodies = new Map();
      page.on('response', (r) => {
        if (r.url().endsWith('.js')) bodies.set(new URL(r.url()).pathname.split('/').pop(), r.body());
      });
      // The chunks that are brought when the page is idle are not part of it.
      await page.addInitScript(() => {
        window.requestIdleCallback = () => 0;
      });
      await page.goto(`${base}/`);
      await page.locator('#token').waitFor();
      await signIn(page, false);
      let total = 0;
      for (const [name, body] of bodies) {
        const size = execFileSync('gzip', ['-9c'], { input: await body }).length;
        // MapLibre's worker runs beside the page and has a goal of its own: the whole folder.
        if (name.includes('worker')) continue;
        total += size;
        t.diagnostic(`${name} ${(size / 1000).toFixed(1)} kB`);
      }
      t.diagnostic(`ui/first_view_js_${locale} ${(total / 1000).toFixed(1)} kB`);
      assert.ok(bodies.size >= 3, `chunks: ${[...bodies.keys()]}`);
      assert.ok(total <= GOAL_KB * 1000, `${total} bytes`);
    });
  });
}
