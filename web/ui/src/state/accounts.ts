// What the account pages show: lists of the server, the page that is open, and what
// one page hands to another. Nothing of it outlives the session.

import { computed, effect, signal, type Signal } from '@preact/signals';
import { accounts, type ApiKey, type Organisation, type Person, type Proposal, type ProposalInput } from '../api/accounts';
import { actor } from './session';

export const PAGES = ['me', 'notifications', 'keys', 'zone', 'coverage', 'priority', 'sites', 'restrictions', 'reviews', 'disclosure', 'vehicles', 'gateways', 'people', 'organisations', 'proposals', 'audit'] as const;
export type DeskPage = (typeof PAGES)[number];

export const may = (scope: string): boolean => actor.value?.scopes.includes(scope) ?? false;
export const admin = computed(() => may('admin'));

const needs: Record<DeskPage, () => boolean> = {
  me: () => true,
  notifications: () => true,
  keys: () => true,
  zone: () => may('zone.read'),
  coverage: () => may('zone.read'),
  priority: () => may('zone.read'),
  sites: () => may('zone.read'),
  restrictions: () => may('zone.read'),
  reviews: () => may('permit.review') || may('zone.control') || may('audit.read'),
  disclosure: () => may('zone.read'),
  vehicles: () => may('zone.read'),
  gateways: () => may('vehicle.register') || may('zone.control'),
  people: () => may('admin') || may('audit.read'),
  organisations: () => may('zone.read'),
  proposals: () => may('admin') || may('audit.read'),
  audit: () => may('audit.read'),
};
/** The pages that the session may see. */
export const shownPages = computed(() => PAGES.filter((p) => needs[p]()));

const wanted = signal<DeskPage>('me');
export const deskPage = computed(() => (shownPages.value.includes(wanted.value) ? wanted.value : 'me'));
export const openPage = (p: DeskPage): void => void (wanted.value = p);
/** Where the focus goes when a form that had it is gone. */
export const focusTab = (p: DeskPage = deskPage.peek()): void => document.getElementById(`desk-${p}`)?.focus();

/** An object, such as permit pm_1, that the page that opens next is to show. */
export const toShow = signal<{ type: string; id: string } | null>(null);
const showing: Record<string, readonly string[]> = { permit: ['reviews', 'permits'], restriction: ['restrictions'], booking: ['sites'] };
/** The page that shows such an object to who is signed in. */
export const pageOf = (type: string): DeskPage | undefined => shownPages.value.find((p) => showing[type]?.includes(p));
export function show(type: string, id: string): void {
  const page = pageOf(type);
  if (!page) return;
  toShow.value = { type, id };
  openPage(page);
}
/** The id of the object of a type that a page is to show: once. */
export function takeShown(type: string): string {
  const s = toShow.peek();
  if (s?.type !== type) return '';
  toShow.value = null;
  return s.id;
}

/** What a page asks to be proposed to a second person. */
export const toPropose = signal<Pick<ProposalInput, 'act' | 'subject'> | null>(null);
export function proposeFor(act: ProposalInput['act'], subject: string): void {
  toPropose.value = { act, subject };
  openPage('proposals');
}

export interface Listing<T> {
  /** null: not there yet. */
  items: Signal<readonly T[] | null>;
  failure: Signal<unknown>;
  load: () => Promise<void>;
}

export function listing<T>(get: () => Promise<T[]>): Listing<T> {
  const items = signal<readonly T[] | null>(null);
  const failure = signal<unknown>(null);
  const load = async () => {
    const asked = actor.peek()?.id;
    try {
      const got = await get();
      if (actor.peek()?.id !== asked) return;
      items.value = got;
      failure.value = null;
    } catch (err) {
      failure.value = err;
    }
  };
  return { items, failure, load };
}

export const people: Listing<Person> = listing(accounts.people);
export const organisations: Listing<Organisation> = listing(accounts.organisations);
export const keys: Listing<ApiKey> = listing(accounts.keys);
export const proposals: Listing<Proposal> = listing(accounts.proposals);

/** What the open page needs, and the names that it shows. */
export function loadPage(p: DeskPage): void {
  if (p === 'keys') void keys.load();
  if (p === 'proposals') void proposals.load();
  if (may('zone.read')) void organisations.load();
  if (needs.people()) void people.load();
}

effect(() => {
  void actor.value?.id;
  for (const l of [people, organisations, keys, proposals]) {
    l.items.value = null;
    l.failure.value = null;
  }
  toPropose.value = null;
  toShow.value = null;
  wanted.value = 'me';
});

/** A person by name where we may know it, else by id. */
export function personName(id: string): string {
  if (id === actor.value?.person && actor.value.name) return actor.value.name;
  const p = people.items.value?.find((q) => q.id === id)?.profile;
  return p?.name || p?.login || id;
}

export const organisationName = (id: string): string => organisations.items.value?.find((o) => o.id === id)?.name ?? id;

// No letters that are taken for each other on a sheet of paper.
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A password of 98 bits to hand over once; it must be changed at the first sign-in. */
export function newPassword(): string {
  let out = '';
  while (out.length < 20) {
    const [n] = crypto.getRandomValues(new Uint8Array(1));
    // 248 = 8 x 31: every letter is as likely as any other.
    if (n! < 248) out += LETTERS[n! % LETTERS.length];
  }
  return out.replace(/(.{5})(?=.)/g, '$1-');
}
