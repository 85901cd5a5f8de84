import { describe, expect, it } from 'vitest';
import type { RegisteredVehicle, VehicleInput, VehicleKey, VehicleLink } from '../api/register';
import { contactFault, contactOf, fingerprintOf, idFault, keyAdvice, matches, onceFor, refusedSince, signSetup, vehicleFault, vehicleOf } from './register-input';

const form = (values: Record<string, string>): FormData => {
  const out = new FormData();
  for (const [k, v] of Object.entries(values)) out.append(k, v);
  return out;
};
const base = { name: ' Boat ', class: 'usv', operator: 'lab', uid2: '', serial: '', listener: '', action: '' };
const plain: VehicleInput = { name: 'Boat', class: 'usv', operator: 'lab', uid2: '', serial_number: '' };

describe('a vehicle from its form', () => {
  it.each<[string, Record<string, string>, VehicleInput]>([
    ['without MAVLink', {}, plain],
    ['an address left over is not sent', { system: '7', others: '100' }, plain],
    ['with an address', { listener: 'signed', system: '7', component: '', autopilot: 'px4' },
      { ...plain, mavlink: { listener: 'signed', system_id: 7, component: 1, autopilot: 'px4' } }],
    ['other components, however set apart', { listener: 'g', system: '7', component: '2', autopilot: 'generic', others: '100, 191；3' },
      { ...plain, mavlink: { listener: 'g', system_id: 7, component: 2, autopilot: 'generic', other_components: [100, 191, 3] } }],
    ['return, minutes to seconds', { action: 'return', return_height: '30.5', rally: 'on', endurance: '12.5' },
      { ...plain, lost_link: { action: 'return', return_height_m: 30.5, rally: true, endurance_s: 750 } }],
    ['a height of 0 is a height', { action: 'return', return_height: '0', endurance: '' }, { ...plain, lost_link: { action: 'return', return_height_m: 0 } }],
    ['only a return has a height', { action: 'land', return_height: '30', rally: 'on' }, { ...plain, lost_link: { action: 'land' } }],
    ['cross-checks', { uid2: 'ABCDEF0123456789', serial: ' SN1 ' }, { ...plain, uid2: 'abcdef0123456789', serial_number: 'SN1' }],
  ])('%s', (_, given, want) => expect(vehicleOf(form({ ...base, ...given }))).toEqual(want));
});

describe('what is wrong with it', () => {
  const at = (more: object): VehicleInput => ({ ...plain, mavlink: { listener: 'g', system_id: 7, component: 1, autopilot: 'generic', ...more } });
  it.each<[string, VehicleInput, string | null]>([
    ['nothing', plain, null], ['nothing, with an address', at({ other_components: [100, 191] }), null],
    ['the zone itself', at({ system_id: 250 }), 'reg.fault.system'], ['251 is another', at({ system_id: 251 }), null],
    ['twice', at({ other_components: [100, 100] }), 'reg.fault.components'], ['the autopilot', at({ other_components: [1] }), 'reg.fault.components'],
    ['0 is everybody', at({ other_components: [0] }), 'reg.fault.components'], ['256', at({ other_components: [256] }), 'reg.fault.components'],
    ['uid of 8 bytes', { ...plain, uid2: '0'.repeat(16) }, null], ['of 18', { ...plain, uid2: '0'.repeat(36) }, null],
    ['of 9', { ...plain, uid2: '0'.repeat(18) }, 'reg.fault.uid2'],
  ])('%s', (_, v, want) => expect(vehicleFault(v)).toBe(want));
  it.each([['boat-1', null], ['traffic-1', 'reg.fault.reserved'], ['unverified', 'reg.fault.reserved'], ['trafficker', null], ['rid-1', 'reg.fault.reserved']])('id %s', (id, want) => expect(idFault(id)).toBe(want));
});

describe('contact', () => {
  const none = { contact_name: '', contact_phone: '', contact_email: '', contact_languages: '' };
  it('nobody is nobody', () => expect(contactOf(form(none))).toBeNull());
  it('all of it', () => {
    const c = contactOf(form({ contact_name: 'Grace', contact_phone: '+86 1', contact_email: 'g@x', contact_languages: 'zh, en' }));
    expect(c).toEqual({ name: 'Grace', phone: '+86 1', email: 'g@x', languages: ['zh', 'en'] });
    expect(contactFault(c!)).toBeNull();
  });
  it.each([{ contact_phone: '+86 1' }, { contact_name: 'Grace' }, { contact_languages: 'zh' }, { contact_email: 'g@x' }])('part of it: %o', (some) => {
    expect(contactFault(contactOf(form({ ...none, ...some }))!)).toBe('reg.fault.contact');
  });
});

describe('keys and link', () => {
  const key = (state: VehicleKey['state'], seen_at: string | null = null) => ({ id: state, state, seen_at }) as VehicleKey;
  const seen = '2026-11-26T00:00:00Z';
  it.each<[string, VehicleKey[], boolean, string]>([
    ['no key', [], false, 'none'], ['only old keys', [key('retired'), key('retiring', seen)], false, 'none'], ['behind a gateway', [], true, 'vouched'],
    ['never used', [key('active')], false, 'unused'], ['in use', [key('active', seen)], true, 'good'],
    ['next is on its way', [key('active', seen), key('next')], false, 'next_unseen'], ['next is there', [key('active', seen), key('next', seen)], false, 'next_seen'],
  ])('%s', (_, keys, vouched, want) => expect(keyAdvice(keys, vouched)).toBe(want));

  const link = (proved_at: string | null, refused_at: string | null) => ({ proved_at, refused_at }) as VehicleLink;
  it.each<[VehicleLink, boolean]>([
    [link(null, null), false], [link(seen, null), false], [link(null, seen), true],
    [link('2026-11-26T00:00:01Z', seen), false], [link(seen, '2026-11-26T00:00:00.5Z'), true],
  ])('a refusal after the proof is news: %o', (l, want) => expect(refusedSince(l)).toBe(want));
});

it.each([[{ component: 1 }, ''], [{ component: 0 }, ''], [{ component: 25 }, ' --component-id 25']])('sign-setup: %o', (m, more) =>
  expect(signSetup({ listener: 'signed', system_id: 7, autopilot: 'px4', ...m })).toBe(`testzone sign-setup --device /dev/ttyUSB0 --key-file vehicle.key --system-id 7${more}`));

it('the digits of a fingerprint, however set apart', () => expect(fingerprintOf(' AB:cd 01\n')).toBe('abcd01'));

it('an act keeps its name as long as it asks for the same', () => {
  const once = onceFor();
  const first = once({ a: 1 });
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(once({ a: 1 })).toBe(first);
  expect(once({ a: 2 })).not.toBe(first);
  expect(onceFor()({ a: 1 })).not.toBe(first);
});

it('search looks at id, name, operator, listener and serial number', () => {
  const v = { id: 'boat-1', name: '测深船', operator: 'lab', mavlink: { listener: 'gate' }, serial_number: 'SN7' } as RegisteredVehicle;
  for (const s of ['', ' BOAT ', '测深', 'lab', 'gate', 'sn7']) expect(matches(v, s)).toBe(true);
  expect(matches({ ...v, mavlink: null }, 'gate')).toBe(false);
});
