// Two controllers at one vehicle, each at a browser of its own: who has the hand, who
// takes it over and why shows to both, and only one of them orders at a time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api } from '../browser/page.mjs';
import { SLOW, at, clean, hold, sent, shot } from './stage.mjs';

const id = 'uav-1';
const query = `?sel=${id}`;
const inEffect = (page, kind) => page.locator(`[data-kind=${kind}][data-state=in_effect]`).first().waitFor(SLOW);

test('a lease that is taken over shows to both', () => at('ada', { query }, (ada) => at('bob', { query, scheme: 'light' }, async (bob) => {
  await hold(ada, 'order-hold', () => inEffect(ada, 'hold'));
  await ada.locator('[data-testid=lease][data-mine=true]').waitFor(SLOW);
  await inEffect(bob, 'hold');
  await bob.getByTestId('lease-take-over').waitFor(SLOW);
  assert.equal(await bob.getByTestId('order-buttons').count(), 0, 'bob has no button while ada has the control');
  await shot(bob, 'two-1-bob-sees');
  await clean(bob, 'of somebody else');

  await bob.getByTestId('lease-take-over').click();
  await bob.locator('[name=lease_reason]').fill('shift change');
  await bob.getByTestId('lease-take-over-sure').click();
  await bob.locator('[data-testid=lease][data-mine=true]').waitFor(SLOW);
  await ada.locator('[data-testid=lease][data-mine=false]', { hasText: 'BOB' }).waitFor(SLOW);
  await ada.getByTestId('order-buttons').waitFor({ state: 'detached' });
  await shot(ada, 'two-2-ada-lost-it');
  await shot(bob, 'two-3-bob-has-it');
  await clean(ada, 'taken from her');

  // Who ordered HOLD was ada: bob resumes because he took the control over.
  await hold(bob, 'order-resume', () => inEffect(bob, 'resume'));
  await inEffect(ada, 'resume');
  assert.equal((await sent(id)).length, (await api('GET', `/v1/vehicles/${id}/orders`)).body.items.length, 'one command for each order');
  await shot(ada, 'two-4-resumed');
})));
