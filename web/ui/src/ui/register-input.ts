// From the forms about vehicles and gateways to what the API takes, and what is
// wrong with it, said before it is sent and in the language of the page. The server
// holds the rules.

import type { Contact, KnownLostLink, LostLink, MavlinkAddress, RegisteredVehicle, VehicleInput, VehicleKey, VehicleLink } from '../api/register';
import type { LaterKey } from '../i18n/later';

/** A fault that the page finds by itself. */
export type Fault = LaterKey & `reg.fault.${string}`;

const text = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();
const words = (s: string): string[] => s.split(/[\s,;，；、]+/).filter(Boolean);

const OWN_SYSTEM = 250;
/** They begin the ids of what is not registered: unverified sources and traffic. */
const RESERVED = ['unverified', 'traffic-', 'icao-', 'mmsi-', 'rid-'];

/** null: it speaks no MAVLink. */
function addressOf(form: FormData): MavlinkAddress | null {
  const listener = text(form, 'listener');
  if (!listener) return null;
  const others = words(text(form, 'others')).map(Number);
  return {
    listener, system_id: Number(text(form, 'system')), component: Number(text(form, 'component') || 1),
    autopilot: text(form, 'autopilot') as MavlinkAddress['autopilot'],
    ...(others.length > 0 ? { other_components: others } : {}),
  };
}

/** null: what is known of it stays. */
function lostLinkOf(form: FormData): LostLink | null {
  const action = text(form, 'action');
  if (!action) return null;
  const [height, minutes] = [text(form, 'return_height'), text(form, 'endurance')];
  return {
    action: action as LostLink['action'],
    ...(action === 'return' && height ? { return_height_m: Number(height) } : {}),
    ...(action === 'return' && form.has('rally') ? { rally: true } : {}),
    ...(minutes ? { endurance_s: Math.round(Number(minutes) * 60) } : {}),
  };
}

export function vehicleOf(form: FormData): VehicleInput {
  const [mavlink, lostLink] = [addressOf(form), lostLinkOf(form)];
  return {
    name: text(form, 'name'), class: text(form, 'class') as VehicleInput['class'], operator: text(form, 'operator'),
    uid2: text(form, 'uid2').toLowerCase(), serial_number: text(form, 'serial'),
    ...(mavlink ? { mavlink } : {}), ...(lostLink ? { lost_link: lostLink } : {}),
  };
}

/** null: nobody is named. */
export function contactOf(form: FormData): Contact | null {
  const languages = words(text(form, 'contact_languages'));
  const out: Contact = { name: text(form, 'contact_name'), phone: text(form, 'contact_phone'), email: text(form, 'contact_email'), ...(languages.length > 0 ? { languages } : {}) };
  return out.name || out.phone || out.email || languages.length > 0 ? out : null;
}

export function idFault(id: string): Fault | null {
  return RESERVED.some((p) => id.startsWith(p)) ? 'reg.fault.reserved' : null;
}

export function vehicleFault(v: VehicleInput): Fault | null {
  if (![0, 16, 36].includes((v.uid2 ?? '').length)) return 'reg.fault.uid2';
  const m = v.mavlink;
  if (!m) return null;
  if (m.system_id === OWN_SYSTEM) return 'reg.fault.system';
  const others = m.other_components ?? [];
  const good = others.every((c) => Number.isInteger(c) && c >= 1 && c <= 255) && new Set([m.component, ...others]).size === others.length + 1;
  return good ? null : 'reg.fault.components';
}

export function contactFault(c: Contact): Fault | null {
  return c.name && c.phone ? null : 'reg.fault.contact';
}

/** The digits of a fingerprint, however they were set apart. */
export const fingerprintOf = (s: string): string => s.replace(/[\s:]/g, '').toLowerCase();

/** Whether a refusal is news: what came after the proof, or what nothing followed. */
export function refusedSince(l: VehicleLink): boolean {
  return l.refused_at !== null && (l.proved_at === null || Date.parse(l.refused_at) > Date.parse(l.proved_at));
}

export const keyIn = (keys: readonly VehicleKey[], state: VehicleKey['state']): VehicleKey | undefined => keys.find((k) => k.state === state);

/** What to do about the keys of a vehicle, the most urgent first. */
export type KeyAdvice = 'none' | 'vouched' | 'unused' | 'next_unseen' | 'next_seen' | 'good';
/** vouched: a gateway answers for the vehicle. */
export function keyAdvice(keys: readonly VehicleKey[], vouched: boolean): KeyAdvice {
  const [active, next] = [keyIn(keys, 'active'), keyIn(keys, 'next')];
  if (next) return next.seen_at ? 'next_seen' : 'next_unseen';
  if (!active) return vouched ? 'vouched' : 'none';
  return active.seen_at ? 'good' : 'unused';
}

/** The command that puts the key into the vehicle: the key is in a file, for the list of processes tells command lines. */
export const signSetup = (m: MavlinkAddress): string =>
  `testzone sign-setup --device /dev/ttyUSB0 --key-file vehicle.key --system-id ${m.system_id}${(m.component || 1) === 1 ? '' : ` --component-id ${m.component}`}`;

/** Of a form: an act keeps its name as long as it asks for the same. */
export function onceFor(): (what: unknown) => string {
  let [asked, name] = ['', ''];
  return (what) => {
    const now = JSON.stringify(what);
    if (now !== asked) {
      asked = now;
      name = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
    }
    return name;
  };
}

/** Whether what is known of a vehicle without a link has anything to tell. */
export const lostLinkKnown = (l: KnownLostLink): boolean => l.basis !== 'unknown';

/** Whether it matches what was typed into the search. */
export function matches(v: RegisteredVehicle, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  return !wanted || [v.id, v.name, v.operator, v.mavlink?.listener ?? '', v.serial_number].some((s) => s.toLowerCase().includes(wanted));
}
