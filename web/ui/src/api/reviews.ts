// Calls of the public API about the review of permits, and the board: only what is
// loaded later needs these.

import { ask, client } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Permit = Schemas['Permit'];
export type Application = Schemas['PermitApplication'];
export type Assessment = Schemas['PermitAssessment'];
export type ReviewItem = Schemas['ReviewItem'];
export type ReviewQueue = Schemas['ReviewQueue'];
export type Near = Schemas['PermitNear'];
export type Disclosure = Schemas['Disclosure'];
export type Desk = 'waiting' | 'advice' | 'information' | 'signed' | 'decided';
export type Verdict = Schemas['PermitDecision']['verdict'];
export type Conditions = Schemas['PermitConditions'];
export interface Said { verdict: Verdict; doc_hash: string; reason?: string; reference?: string; judgements?: Record<string, boolean>; conditions?: Conditions }

const path = (id: string) => ({ path: { id } });
const once = () => ({ 'Idempotency-Key': crypto.randomUUID() });

export const reviewsApi = {
  queue: (desk: Desk) => ask(client.GET('/v1/reviews', { params: { query: { desk } } })),
  assess: (id: string) => ask(client.GET('/v1/permits/{id}/assessment', { params: path(id) })),
  say: (id: string, body: Said) => ask(client.POST('/v1/permits/{id}/reviews', { params: { ...path(id), header: once() }, body })),
  override: (id: string, reason: string) => ask(client.POST('/v1/permits/{id}/override', { params: { ...path(id), header: once() }, body: { reason } })),
  suspend: (id: string, reason: string, end_now: boolean, dry_run = false) =>
    ask(client.POST('/v1/permits/{id}/suspend', { params: { ...path(id), query: { dry_run }, ...(dry_run ? {} : { header: once() }) }, body: { reason, end_now } })),
  revoke: (id: string, reason: string, end_now: boolean, dry_run = false) =>
    ask(client.POST('/v1/permits/{id}/revoke', { params: { ...path(id), query: { dry_run }, ...(dry_run ? {} : { header: once() }) }, body: { reason, end_now } })),
  resume: (id: string, reason: string) => ask(client.POST('/v1/permits/{id}/resume', { params: { ...path(id), header: once() }, body: { reason } })),
  disclosures: () => ask(client.GET('/v1/disclosures', {})),
};
