// Who is signed in. The token goes to the server once and is then forgotten; the
// session cookie is out of reach of scripts.

import { signal } from '@preact/signals';
import { ApiError, api } from '../api/client';
import type { Actor, SignIn } from '../api/types';
import { wasSignedIn } from './prefs';

export type SessionPhase = 'boot' | 'signed_out' | 'signed_in';
export const phase = signal<SessionPhase>('boot');
export const actor = signal<Actor | null>(null);
export const sessionExpired = signal(false);

function enter(a: Actor): void {
  actor.value = a;
  wasSignedIn.value = true;
  sessionExpired.value = false;
  phase.value = 'signed_in';
}

/** Takes up a session that an earlier visit left, if there may be one. */
export async function resumeSession(): Promise<void> {
  if (!wasSignedIn.value) {
    phase.value = 'signed_out';
    return;
  }
  try {
    enter((await api.session()).actor);
  } catch (err) {
    if (err instanceof ApiError && err.status === 401) wasSignedIn.value = false;
    phase.value = 'signed_out';
  }
}

export async function signIn(by: SignIn): Promise<void> {
  enter((await api.signIn(by)).actor);
}

/** Who is signed in may have got its rights, after its first password. */
export async function renewSession(): Promise<void> {
  enter((await api.session()).actor);
}

/** The server ended the session. */
export function expireSession(): void {
  if (phase.value !== 'signed_in') return;
  wasSignedIn.value = false;
  sessionExpired.value = true;
  actor.value = null;
  phase.value = 'signed_out';
}

export async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } catch {
    // The page forgets the session in any case.
  }
  wasSignedIn.value = false;
  actor.value = null;
  phase.value = 'signed_out';
}
