// Calls of the public API about applications for permits: only the applicant's pages
// need these.

import { ask, client, revision } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Permit = Schemas['Permit'];
export type Application = Schemas['PermitApplication'];
export type Volume = Schemas['PermitVolume'];
export type Policy = Schemas['PermitPolicy'];
export type Document = Schemas['PermitDocument'];
export type Fault = Schemas['PermitFault'];
export type Offer = Schemas['PermitOffer'];
export type Clock = Schemas['PermitClock'];
export type Assessment = Schemas['PermitAssessment'];
export type Pack = Schemas['RulePackRules'];
export type PackKind = Schemas['PackKind'];
export type Named = Schemas['PackNamed'];
export type PermitState = Permit['state'];

const one = (id: string) => ({ path: { id } });
const once = () => ({ 'Idempotency-Key': crypto.randomUUID() });
const of = (p: { id: string; rev: number }) => ({ ...one(p.id), header: revision(p.rev) });

export interface Filter { state?: PermitState; kind?: string; vehicle?: string; cursor?: string }

export const permitsApi = {
  pack: (id = 'now') => ask(client.GET('/v1/rule-packs/{id}', { params: one(id) })),
  page: (q: Filter, limit = 50) => ask(client.GET('/v1/permits', { params: { query: { limit, ...q } } })),
  get: (id: string) => ask(client.GET('/v1/permits/{id}', { params: one(id) })),
  assess: (id: string) => ask(client.GET('/v1/permits/{id}/assessment', { params: one(id) })),
  begin: (a: Application) => ask(client.POST('/v1/permits', { params: { header: once() }, body: a })),
  check: (a: Application, signal?: AbortSignal) => ask(client.POST('/v1/permits', { params: { query: { dry_run: true } }, body: a, ...(signal && { signal }) })),
  save: (p: { id: string; rev: number }, a: Application) => ask(client.PUT('/v1/permits/{id}', { params: of(p), body: a })),
  submit: (id: string) => ask(client.POST('/v1/permits/{id}/submit', { params: { ...one(id), header: once() }, body: {} })),
  withdraw: (id: string, reason: string) => ask(client.POST('/v1/permits/{id}/withdraw', { params: { ...one(id), header: once() }, body: reason ? { reason } : {} })),
  insure: (p: { id: string; rev: number }, insurance: Policy[]) => ask(client.PUT('/v1/permits/{id}/insurance', { params: of(p), body: { insurance } })),
};
