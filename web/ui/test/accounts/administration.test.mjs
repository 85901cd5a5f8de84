// What administrators do with people, in the page: acts of two persons, new
// passwords, changed and disabled people; and the audit of it, page by page.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { press, tabTo } from '../browser/fences.mjs';
import { api, withPage } from '../browser/page.mjs';
import { clean, edit, enter, open, person, withDesk } from './people.mjs';

const of = {};
const now = async (who) => (await of.ada.call('GET', '/v1/people?limit=200')).items.find((p) => p.id === who.id);

before(async () => {
  await api('POST', '/v1/organisations', { id: 'zone', kind: 'authority', name: 'Zone authority' });
  await api('POST', '/v1/organisations', { id: 'lab', kind: 'operator', name: 'Harbour lab' });
  await api('POST', '/v1/organisations', { id: 'play', kind: 'sandbox', name: 'Play yard' });
  of.dora = await person('dora', 'Dora Developer', 'play', ['applicant']);
  of.egon = await person('egon', 'Egon Observer', 'play', ['observer']);
  of.otto = await person('otto', 'Otto Auditor', 'zone', ['auditor']);
  of.carl = await person('carl', 'Carl Controller', 'zone', ['controller']);
  of.dan = await person('dan', 'Dan Observer', 'zone', ['observer']);
  of.eve = await person('eve', 'Eve Operator', 'lab', ['test_operator']);
  of.gone = await person('gone', 'Gone Soon', 'lab', ['observer']);
  of.ada = await person('ada', 'Ada Administrator', 'zone', ['administrator']);
  of.bob = await person('bob', 'Bob Administrator', 'zone', ['administrator']);
});

/** Proposes an act about a person from its form. */
async function propose(page, who, button, reason) {
  await edit(page, who);
  await page.getByRole('button', { name: button }).click();
  await page.getByTestId('proposal-form').waitFor();
  assert.equal(await page.locator('[name=subject]').inputValue(), who.id);
  await page.locator('[name=reason]').fill(reason);
  await clean(page, 'proposal form');
  await page.getByTestId('save').click();
  const row = page.locator('[data-proposal]', { hasText: reason });
  await row.getByText('Waiting').waitFor();
  return row;
}

test('two persons: one proposes, the other confirms or withdraws', async () => {
  await withDesk(of.ada, {}, async (ada) => {
    await withDesk(of.bob, {}, async (bob) => {
      const waits = await propose(ada, of.carl, 'Propose as administrator', 'night shift');
      await waits.getByText('another person must confirm').waitFor();
      assert.equal(await waits.getByTestId('confirm').count(), 0, 'nobody confirms what they proposed');
      await clean(ada, 'a proposal of my own');
      assert.deepEqual((await now(of.carl)).roles, ['controller'], 'proposed is not done');

      await open(bob, 'proposals');
      const row = bob.locator('[data-proposal]', { hasText: 'night shift' });
      await row.getByTestId('confirm').waitFor();
      await clean(bob, 'a proposal of another');
      await row.getByTestId('confirm').click();
      await row.getByText('Confirmed').waitFor();
      await row.getByText('Bob Administrator').waitFor();
      assert.deepEqual((await now(of.carl)).roles.sort(), ['administrator', 'controller']);

      await propose(ada, of.dan, 'Propose to erase', 'left the zone');
      await open(bob, 'people');
      await open(bob, 'proposals');
      const erase = bob.locator('[data-proposal]', { hasText: 'left the zone' });
      await erase.getByTestId('withdraw').click();
      await erase.getByText('Withdrawn').waitFor();
      assert.equal((await now(of.dan)).erased, false);
    });
  });
});

test('keyboard: confirmed in Chinese, on a narrow page; the erased person is nobody', async () => {
  await of.ada.call('POST', '/v1/proposals', { act: 'person.erase', subject: of.gone.id, reason: 'asked for it' });
  await withDesk(of.bob, { locale: 'zh-CN', scheme: 'light' }, async (page) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open(page, 'proposals');
    await tabTo(page, 'confirm');
    await clean(page, 'proposals');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `the page itself does not scroll sideways: ${wide}`);
    await press(page, 'confirm');
    await page.locator('[data-proposal].is-off', { hasText: 'asked for it' }).waitFor();
    await open(page, 'people');
    await page.locator(`[data-person="${of.gone.id}"]`, { hasText: '已清除' }).waitFor();
    const row = page.locator(`[data-person="${of.gone.id}"]`);
    assert.equal(await row.getByText('Gone Soon').count(), 0, 'its name is gone');
    assert.equal(await row.getByRole('button').count(), 0, 'nothing is to be changed any more');
  });
  await withPage({ allow: /401/ }, async (page) => {
    await enter(page, 'gone');
    await page.getByRole('alert').filter({ hasText: 'is not valid' }).waitFor();
  });
});

test('a new password: shown once, the old session ends, and it must be changed', async () => {
  await withDesk(of.eve, { allow: /401/ }, async (eve) => {
    await withDesk(of.ada, {}, async (ada) => {
      await edit(ada, of.eve);
      await clean(ada, 'person form');
      await ada.getByTestId('person-reset').click();
      await ada.getByTestId('secret').waitFor();
      await clean(ada, 'password shown once');
      const given = await ada.getByTestId('secret-value').inputValue();
      await ada.getByTestId('secret-done').click();
      await ada.getByTestId('secret').waitFor({ state: 'detached' });

      await eve.locator('#login, #token').waitFor();
      await enter(eve, 'eve');
      await eve.getByRole('alert').filter({ hasText: 'is not valid' }).waitFor();
      await enter(eve, 'eve', given);
      await eve.locator('[name=current]').waitFor();
      await clean(eve, 'must be changed');
      await eve.locator('[name=current]').fill(given);
      await eve.locator('[name=password]').fill('another-quiet-harbour');
      await eve.locator('[name=again]').fill('another-quiet-harbour');
      await eve.locator('button[type=submit]').click();
      await eve.getByTestId('desk').waitFor();
    });
  });
});

test('a person is renamed, moved, disabled and let in again', async () => {
  await withDesk(of.ada, {}, async (ada) => {
    const row = ada.locator(`[data-person="${of.dan.id}"]`);
    await edit(ada, of.dan);
    await ada.locator('[name=name]').fill('Daniel Watch');
    await ada.locator('[name=organisation]').selectOption('lab');
    await ada.getByTestId('role-observer').uncheck();
    await ada.getByTestId('role-test_operator').check();
    await ada.getByTestId('save').click();
    await row.getByText('Daniel Watch').waitFor();
    const moved = await now(of.dan);
    assert.deepEqual([moved.organisation, moved.roles, moved.profile.login], ['lab', ['test_operator'], 'dan']);

    await edit(ada, of.dan);
    await ada.locator('[name=disabled]').check();
    await ada.getByTestId('save').click();
    await row.getByText('Disabled').waitFor();
    await clean(ada, 'a disabled person');
    await withPage({ allow: /401/ }, async (dan) => {
      await enter(dan, 'dan');
      await dan.getByRole('alert').filter({ hasText: 'is not valid' }).waitFor();
    });

    await edit(ada, of.dan);
    assert.equal(await ada.locator('[name=disabled]').isChecked(), true);
    await ada.locator('[name=disabled]').uncheck();
    await ada.getByTestId('save').click();
    await row.getByText('Active').waitFor();
    await withDesk(of.dan, {}, async (dan) => {
      await dan.getByText('Daniel Watch').first().waitFor();
      assert.equal(await dan.locator('#desk-people').count(), 0);
    });
  });
});

test('a developer moves the clock of its sandbox, an observer looks', async () => {
  await withDesk(of.dora, {}, async (page) => {
    await open(page, 'organisations');
    const row = page.locator('[data-organisation="play"]');
    await row.getByTestId('clock-move').click();
    await page.locator('[name=ahead]').fill('48');
    await clean(page, 'clock form');
    await page.getByTestId('save').click();
    await row.getByText('clock 48.0 h ahead').waitFor();
    await clean(page, 'a clock that is ahead');
    const { ahead_s: ahead } = await of.dora.call('GET', '/v1/organisations/play/clock');
    assert.ok(Math.abs(ahead - 48 * 3600) < 600, `${ahead} s`);
    assert.equal(await page.locator('[data-organisation="zone"] button').count(), 0);
  });
  await withDesk(of.egon, {}, async (page) => {
    await open(page, 'organisations');
    await page.locator('[data-organisation="play"]').getByText('clock 48.0 h ahead').waitFor();
    assert.equal(await page.getByTestId('clock-move').count(), 0);
  });
});

test('the audit of two administrators, page by page and back', async () => {
  for (let i = 0; i < 120; i++) await of.ada.call('POST', '/v1/organisations', { id: `berth-${i}`, kind: 'operator', name: `Berth ${i}` });
  await withDesk(of.otto, {}, async (page) => {
    await open(page, 'audit');
    await page.getByTestId('audit-type').fill('organisation.create');
    await page.getByTestId('audit-by').fill(of.ada.id);
    await page.getByTestId('audit-search').click();
    const first = page.locator('[data-seq]', { hasText: 'organisation:berth-119' });
    await first.waitFor();
    const seqs = () => page.locator('[data-seq]').evaluateAll((rows) => rows.map((r) => Number(r.dataset.seq)));
    const next = page.getByTestId('audit-next');
    const previous = page.getByRole('button', { name: 'Previous page' });
    assert.equal(await previous.isDisabled(), true);
    const pages = [await seqs()];
    while (await next.isEnabled()) {
      const top = page.locator(`[data-seq="${pages.at(-1)[0]}"]`);
      await next.click();
      await top.waitFor({ state: 'detached' });
      pages.push(await seqs());
      assert.ok(pages.length < 10, 'it comes to an end');
    }
    await clean(page, 'the last page');
    const all = pages.flat();
    assert.deepEqual(pages.map((p) => p.length), [50, 50, 20]);
    assert.deepEqual(all, [...new Set(all)].sort((a, b) => b - a), 'every entry once, the newest first');

    await page.locator('[data-seq]', { hasText: 'organisation:berth-0' }).waitFor();
    await previous.click();
    await page.locator(`[data-seq="${pages[1][0]}"]`).waitFor();
    assert.deepEqual(await seqs(), pages[1]);
    await previous.click();
    await first.waitFor();
    assert.deepEqual(await seqs(), pages[0]);
    assert.equal(await previous.isDisabled(), true);

    // A new search begins at its first page.
    await next.click();
    await first.waitFor({ state: 'detached' });
    await page.getByTestId('audit-type').fill('administrator.appoint');
    await page.getByTestId('audit-by').fill('');
    await page.getByTestId('audit-search').click();
    await page.locator('[data-seq]', { hasText: of.carl.id }).waitFor();
    assert.deepEqual([(await seqs()).length, await previous.isDisabled(), await next.isDisabled()], [1, true, true]);
  });
});
