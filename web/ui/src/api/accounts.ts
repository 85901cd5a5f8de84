// Calls of the public API about accounts and audit: only the panels that come later
// need them.

import { ask, client, pages, query, revision } from './client';
import { href } from './href';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Person = Schemas['Person'];
export type Profile = Schemas['Profile'];
export type Rights = Schemas['Rights'];
export type PersonInput = Schemas['PersonInput'];
export type Role = Rights['roles'][number];
export type Organisation = Schemas['Organisation'];
export type OrganisationInput = Schemas['OrganisationInput'];
export type OrganisationChange = Schemas['OrganisationChange'];
export type ApiKey = Schemas['Key'];
export type NewKey = Schemas['NewKey'];
export type KeyInput = Schemas['KeyInput'];
export type Proposal = Schemas['Proposal'];
export type ProposalInput = Schemas['ProposalInput'];
export type AuditCheckpoint = Schemas['AuditCheckpoint'];
export type AuditEvent = Schemas['AuditEvent'];
export type AuditList = Schemas['AuditList'];

export interface AuditSearch { from?: string; to?: string; who?: string; what?: string; object?: string; q?: string }

const one = (id: string) => ({ params: { path: { id } } });
const revOf = (o: { id: string; rev: number }) => ({ params: { path: { id: o.id }, header: revision(o.rev) } });

export const accounts = {
  changePassword: (current: string, password: string) =>
    ask(client.PUT('/v1/session/password', { body: { current, password } })),
  people: () => pages((c) => ask(client.GET('/v1/people', { params: { query: query(c) } }))),
  createPerson: (p: PersonInput) => ask(client.POST('/v1/people', { body: p })),
  replaceProfile: (id: string, p: Profile) => ask(client.PUT('/v1/people/{id}/profile', { ...one(id), body: p })),
  replacePerson: (p: Person, r: Rights) => ask(client.PUT('/v1/people/{id}', { ...revOf(p), body: r })),
  resetPassword: (id: string, password: string) =>
    ask(client.PUT('/v1/people/{id}/password', { ...one(id), body: { password } })),
  organisations: () => pages((c) => ask(client.GET('/v1/organisations', { params: { query: query(c) } }))),
  createOrganisation: (o: OrganisationInput) => ask(client.POST('/v1/organisations', { body: o })),
  replaceOrganisation: (o: Organisation, to: OrganisationChange) =>
    ask(client.PUT('/v1/organisations/{id}', { ...revOf(o), body: to })),
  moveClock: (o: Organisation, now: string) => ask(client.PUT('/v1/organisations/{id}/clock', { ...revOf(o), body: { now } })),
  keys: () => pages((c) => ask(client.GET('/v1/keys', { params: { query: query(c) } }))),
  createKey: (k: KeyInput) => ask(client.POST('/v1/keys', { body: k })),
  revokeKey: (k: ApiKey) => ask(client.DELETE('/v1/keys/{id}', revOf(k))),
  proposals: () => pages((c) => ask(client.GET('/v1/proposals', { params: { query: query(c) } }))),
  propose: (p: ProposalInput) => ask(client.POST('/v1/proposals', { body: p })),
  confirm: (p: Proposal) => ask(client.POST('/v1/proposals/{id}/confirm', revOf(p))),
  withdraw: (p: Proposal) => ask(client.DELETE('/v1/proposals/{id}', revOf(p))),
  checkpoint: () => ask(client.GET('/v1/audit/checkpoint', {})),
  audit: (s: AuditSearch, cursor: string, limit: number) =>
    ask(client.GET('/v1/audit/events', { params: { query: { ...s, limit, ...(cursor && { cursor }) } } })),
  auditUrl: (s: AuditSearch, format: 'csv' | 'json') => href('/v1/audit/export', { ...s, format }),
};
