import { describe, expect, it } from 'vitest';
import type { Application, Fault, Offer } from '../api/permits';
import { applicationOf, emptyForm, formOf, isAt, newPolicy, newVolume, placeOf, stepOf, taking, type PermitForm } from './permit-form';

const TZ = 'Asia/Shanghai';
const kinds = { 'uav.mtow_kg': 'number', 'uav.over_crowd': 'yes_no', 'road.class': 'word' } as const;

const whole: Application = {
  kind: 'uav.flight', subtype: 'first', title: 'Blood samples', scenario: 'delivery', from: '2026-12-01T01:00:00.000Z', to: '2026-12-01T03:00:00.000Z',
  vehicles: ['uav-7'], people: [{ ref: 'crew-1', role: 'remote_pilot', licence: 'CAAC-1', licence_to: '2027-01-01T00:00:00.000Z' }],
  insurance: [{ kind: 'uav_liability', insurer: 'PICC', number: '1', from: '2026-11-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z', per_vehicle_cny: 1_000_000 }],
  volumes: [{
    geometry: { type: 'Point', coordinates: [121.9, 30.95] }, radius_m: 200, floor: { m: 0, datum: 'amsl' }, ceiling: { m: 100, datum: 'amsl' },
    windows: [{ from: '2026-12-01T01:00:00.000Z', to: '2026-12-01T02:00:00.000Z' }],
  }] as unknown as NonNullable<Application['volumes']>,
  roads: [], sites: ['st_1'], exempt_fences: [], items: { comms: { text: 'radio' } }, facts: { 'uav.mtow_kg': 6, 'uav.over_crowd': false, 'road.class': 'urban' },
  checklist: { people: { text: 'nobody', evidence: 'plan' } }, disclosure: { what: 'samples' },
};
const filled = (part: Partial<PermitForm> = {}): PermitForm => ({ ...formOf(whole, TZ), ...part });

describe('the form of an application', () => {
  it('shows times of the zone and gives the same application back', () => {
    const f = formOf(whole, TZ);
    expect(f.from).toBe('2026-12-01T09:00');
    expect(f.facts).toEqual({ 'uav.mtow_kg': '6', 'uav.over_crowd': 'no', 'road.class': 'urban' });
    const { application, faults } = applicationOf(f, kinds, TZ);
    expect(faults).toEqual([]);
    expect(application).toEqual(whole);
  });
  it.each<[string, Partial<PermitForm>, string, string]>([
    ['no title', { title: ' ' }, 'title', 'title'],
    ['no time', { from: 'soon' }, 'window/from', 'time'],
    ['an end before the begin', { to: '2026-12-01T08:59' }, 'window', 'order'],
    ['a speed that is a word', { speed: 'fast' }, 'speed', 'number'],
    ['a negative speed', { speed: '-3' }, 'speed', 'number'],
    ['a mass that is a word', { facts: { 'uav.mtow_kg': 'six' } }, 'facts/uav.mtow_kg', 'number'],
    ['a person without a role', { people: [{ ref: 'crew-1', role: '', licence: '', licenceTo: '' }] }, 'people/0', 'who'],
    ['a policy without its insurer', { insurance: [{ ...newPolicy('x'), number: '1', from: '2026-12-01T09:00', to: '2026-12-02T09:00' }] }, 'insurance/0', 'who'],
    ['a ceiling that is a word', { volumes: [{ ...filled().volumes[0]!, ceiling: { m: 'high', datum: 'agl' } }] }, 'volumes/0/ceiling', 'number'],
    ['a window that ends before it begins', { volumes: [{ ...filled().volumes[0]!, windows: [{ from: '2026-12-01T10:00', to: '2026-12-01T09:00' }] }] }, 'volumes/0/windows/0', 'window'],
  ])('%s is said at its place', (_, part, item, code) => {
    expect(applicationOf(filled(part), kinds, TZ).faults).toEqual([{ item, code }]);
  });
  it('leaves out a volume without an area, and finds the places of the others again', () => {
    const { application, kept, faults } = applicationOf(filled({ volumes: [newVolume(), filled().volumes[0]!] }), kinds, TZ);
    expect([application.volumes?.length, kept, faults]).toEqual([1, [1], []]);
    expect(placeOf('volumes/0/ceiling', kept)).toBe('volumes/1/ceiling');
    expect(placeOf('items/comms', kept)).toBe('items/comms');
  });
  it('declares only what the kind asks and what was answered', () => {
    const { application } = applicationOf(filled({ facts: { 'uav.over_crowd': 'yes', 'uav.mtow_kg': '', 'usv.shared_fairway': 'no' } }), kinds, TZ);
    expect(application.facts).toEqual({ 'uav.over_crowd': true });
  });
  it('is saved while it is still empty but for kind, title and time', () => {
    const f = { ...emptyForm(), insurance: [newPolicy('liability')], kind: 'site.use', title: 'x', from: '2026-12-01T09:00', to: '2026-12-01T10:00' };
    expect(applicationOf(f, {}, TZ).faults).toEqual([]);
  });
});

describe('faults', () => {
  it.each([
    ['items/comms', 'says'], ['facts', 'says'], ['disclosure/what', 'says'], ['volumes/0/ceiling', 'where'], ['insurance', 'who'], ['vehicles/1', 'who'], ['window', 'what'], ['', 'what'],
  ])('%s stands in the step %s', (item, step) => expect(stepOf(item)).toBe(step));
  it('are at a place or in it, not beside it', () => {
    expect([isAt('volumes/1', 'volumes/1'), isAt('volumes/1/floor', 'volumes/1'), isAt('volumes/10', 'volumes/1')]).toEqual([true, true, false]);
  });
});

describe('taking an offer', () => {
  const take = (offer: Offer, rule = '') => taking(filled(), offer, { rule } as Pick<Fault, 'rule'>, TZ);
  it('moves all times', () => {
    const f = take({ shift_s: 1800 });
    expect([f.from, f.to, f.volumes[0]!.windows[0]!.from]).toEqual(['2026-12-01T09:30', '2026-12-01T11:30', '2026-12-01T09:30']);
    expect(take({ shift_s: -60 }).from).toBe('2026-12-01T08:59');
  });
  it('cuts the end, never to a later minute', () => expect(take({ to: '2026-12-01T02:10:59Z' }).to).toBe('2026-12-01T10:10'));
  it('asks for the exemption once', () => {
    const once = take({ exempt_fence: 'f_1' });
    expect(taking(once, { exempt_fence: 'f_1' }, { rule: '' }, TZ).exempt).toEqual(['f_1']);
  });
  it('sets the sum of the policy that the rule is about', () => {
    expect(take({ per_vehicle_cny: 5_000_000 }, '/insurance/uav_liability').insurance[0]!.sum).toBe('5000000');
    expect(take({ per_vehicle_cny: 5_000_000 }, '/insurance/other').insurance[0]!.sum).toBe('1000000');
  });
});
