// Sign-in at an identity provider: the page offers it by name, says when it failed,
// and is signed in when the browser comes back. TZ_ISSUER names the provider, whose
// first visitor cancels and who knows everybody as sub-ada.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, axe, base, flaws, withPage } from '../browser/page.mjs';

test('sign in with an identity provider', async () => {
  await withPage({ elsewhere: process.env.TZ_ISSUER, allow: /401/ }, async (page) => {
    const way = page.getByTestId('signin-provider');
    await way.filter({ hasText: 'Sign in with Harbour ID' }).waitFor();
    assert.deepEqual(await flaws(page), []);
    assert.deepEqual(await axe(page), []);

    await way.click();
    await page.getByRole('alert').filter({ hasText: 'bad_identity' }).waitFor();
    await way.click();
    await page.getByRole('alert').filter({ hasText: 'not_linked' }).waitFor();
    assert.ok(page.url().startsWith(`${base}/`));

    await api('POST', '/v1/organisations', { id: 'zone', kind: 'authority', name: 'Zone' });
    await api('POST', '/v1/people', { organisation: 'zone', roles: ['observer'], login: '', name: 'Ada Lovelace', subject: 'sub-ada' });
    await way.click();
    await page.getByTestId('desk').click();
    await page.locator('#desk-me').waitFor();
    await page.getByText('Ada Lovelace').first().waitFor();
    assert.equal(page.url(), `${base}/`, 'nothing of the sign-in stays in the address');

    await page.reload();
    await page.getByTestId('desk').waitFor();
  });
});

test('in Chinese', async () => {
  await withPage({ locale: 'zh-CN' }, async (page) => {
    await page.getByTestId('signin-provider').filter({ hasText: '使用 Harbour ID 登录' }).waitFor();
    assert.deepEqual(await flaws(page), []);
  });
});
