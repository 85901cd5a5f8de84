// What a judgement rests on is shown: in the alert, in the vehicle's card.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe, breach, flaws, signIn, stray, withPage } from './page.mjs';

const words = {
  'en-GB': {
    quality: /\d+ plausible fixes in a row, quality good/, transitions: 'Raw transitions',
    proved: { alert: ['Evidence complete', 'suffices'], card: [/(\d+) of \1 fences enforced/] },
    stray: { alert: ['not yet: nothing may be ordered automatically', 'source not authenticated'], card: ['NOT ENFORCED', 'nothing is ever sent to it', /0 of \d+ fences enforced/] },
  },
  'zh-CN': {
    quality: /连续 \d+ 个合理定位，质量良好/, transitions: '原始越界次数',
    proved: { alert: ['证据充分', '依据充分'], card: [/(\d+) 个围栏中 \1 个生效/] },
    stray: { alert: ['尚未：不得自动下达指令', '来源未经认证'], card: ['围栏未生效', '不会向其发送任何指令', /\d+ 个围栏中 0 个生效/] },
  },
};

for (const [n, [locale, said]] of Object.entries(words).entries()) {
  for (const who of ['proved', 'stray']) {
    test(`evidence of an alert and of a vehicle, ${who}, ${locale}`, async () => {
      await withPage({ locale }, async (page) => {
        await signIn(page);
        const own = who === 'stray' ? await stray(n) : null;
        const b = await breach(page, `evidence ${who} ${locale}`, own);
        try {
          await b.row.focus();
          await page.keyboard.press('Enter');
          const panel = page.getByTestId('alert-panel');
          for (const text of [said.transitions, said.quality, ...said[who].alert]) await panel.getByText(text).first().waitFor({ timeout: 10_000 });
          await panel.locator('.link-button').first().click();
          const card = page.getByTestId('card');
          for (const text of [said.quality, ...said[who].card]) await card.getByText(text).first().waitFor({ timeout: 10_000 });
          assert.deepEqual(await axe(page), []);
          assert.deepEqual(await flaws(page), []);
        } finally {
          await b.remove();
          own?.stop();
        }
      });
    });
  }
}
