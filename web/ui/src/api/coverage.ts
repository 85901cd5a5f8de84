// Calls of the public API about for whom fences are enforced: only their page and the
// map's layer need these.

import { ask, client } from './client';
import { href } from './href';
import type { components } from './schema';

type Schemas = components['schemas'];
export type CoverageReport = Schemas['Coverage'];
export type CoverageSum = Schemas['CoverageSum'];
export type CoverageGrid = Schemas['CoverageGrid'];

export const coverageApi = {
  report: (signal: AbortSignal) => ask(client.GET('/v1/coverage', { signal })),
  grid: (signal: AbortSignal) => ask(client.GET('/v1/coverage/grid', { signal })),
  fileUrl: () => href('/v1/coverage/export', {}),
};
