// Addresses of what the browser fetches by itself: downloads.

import type { paths } from './schema';

type Gets = { [P in keyof paths]: paths[P] extends { get: { responses: unknown } } ? P : never }[keyof paths];
type QueryOf<P extends Gets> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? NonNullable<Q> : never;

/** The address of a GET without parameters in its path. */
export const href = <P extends Gets>(path: P, query: QueryOf<P>): string =>
  `${path}?${new URLSearchParams(query as Record<string, string>)}`;
