// What a judgement rests on is shown: in the alert, in the vehicle's card.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe, breach, flaws, signIn, withPage } from './page.mjs';

const words = {
  'en-GB': { transitions: 'Raw transitions', confirmed: 'not yet: nothing may be ordered automatically', lack: 'source not authenticated',
    quality: /\d+ plausible fixes in a row, quality good/, fences: /0 of \d+ fences enforced/, off: 'NOT ENFORCED' },
  'zh-CN': { transitions: '原始越界次数', confirmed: '尚未：不得自动下达指令', lack: '来源未经认证',
    quality: /连续 \d+ 个合理定位，质量良好/, fences: /\d+ 个围栏中 0 个生效/, off: '围栏未生效' },
};

for (const [locale, want] of Object.entries(words)) {
  test(`evidence of an alert and of a vehicle, ${locale}`, async () => {
    await withPage({ locale }, async (page) => {
      await signIn(page);
      const b = await breach(page, `evidence ${locale}`);
      try {
        await b.row.focus();
        await page.keyboard.press('Enter');
        const panel = page.getByTestId('alert-panel');
        for (const text of [want.transitions, want.confirmed, want.lack, want.quality]) {
          await panel.getByText(text).first().waitFor({ timeout: 5_000 });
        }
        await panel.locator('.link-button').first().click();
        const card = page.getByTestId('card');
        for (const text of [want.off, want.fences, want.quality]) await card.getByText(text).first().waitFor({ timeout: 5_000 });
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(await flaws(page), []);
      } finally {
        await b.remove();
      }
    });
  });
}
