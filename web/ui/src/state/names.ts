// Who somebody is, for controllers: the journal and most answers have ids only, which
// nobody knows at night. Names are those of the duty board.

import { effect, signal } from '@preact/signals';
import { zoneApi } from '../api/zone';
import { may, personName } from './accounts';
import { actor } from './session';

const RETRY_MS = 10_000;

const names = signal<ReadonlyMap<string, string>>(new Map());
let askedAt = -Infinity;

effect(() => {
  void actor.value; // what one session may know the next one may not
  names.value = new Map();
  askedAt = -Infinity;
});

/** The name of a person whom the accounts do not know by name, or the id while nobody does. */
export function colleagueName(id: string): string {
  const known = personName(id);
  if (known !== id) return known;
  const name = names.value.get(id);
  if (!name && id.startsWith('p_') && may('zone.control') && performance.now() - askedAt > RETRY_MS) {
    askedAt = performance.now();
    const of = actor.peek()?.id;
    void zoneApi.duty(new AbortController().signal).then((board) => {
      if (actor.peek()?.id === of) names.value = new Map((board.controllers ?? []).map((c) => [c.id, c.name]));
    }, () => undefined);
  }
  return name || id;
}
