// Why an order is not given, in words.

import { ApiError } from '../api/client';
import { code } from '../i18n/later';
import { problemText } from './account-bits';

/** Problems whose text in the language of the page needs the server's own words beside it. */
const TOLD = new Set(['order_impossible', 'others_order', 'leased', 'safer_order', 'fence_in_the_way']);

export function orderProblem(err: unknown): string {
  if (!(err instanceof ApiError)) return problemText(err);
  if (err.code === 'too_many_orders') return code('problem', err.code);
  return TOLD.has(err.code) ? `${code('problem', err.code)} (${err.message})` : problemText(err);
}
