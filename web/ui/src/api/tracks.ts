// Calls of the public API for one track: only its card needs them.

import { ask, client } from './client';

const one = (id: string, signal: AbortSignal) => ({ params: { path: { id } }, signal });

export const tracks = {
  vehicle: (id: string, signal: AbortSignal) => ask(client.GET('/v1/tracks/{id}', one(id, signal))),
  traffic: (id: string, signal: AbortSignal) => ask(client.GET('/v1/traffic/{id}', one(id, signal))),
};
