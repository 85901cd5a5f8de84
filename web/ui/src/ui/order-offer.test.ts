import { describe, expect, it } from 'vitest';
import type { Lease, Order } from '../api/orders';
import { concerns, endable, handOf, latencyText, offered, stepsOf, stopOf, withNews, type Me } from './order-offer';

const order = (id: string, kind: Order['kind'], state: Order['state'], more: Partial<Order> = {}): Order => ({
  id, vehicle_id: 'v', class: 'uav', kind, state, open: ['asked', 'sent', 'accepted'].includes(state), why: '', by: 'ann', person: 'ann', zone: false, reason: '', ends: '',
  command: null, asked_at: '2026-11-26T04:00:00.000Z', sent_at: null, accepted_at: null, under_way_at: null, effect_at: null, ended_at: null, late: false, latency_ms: null, durable: true, bulk: '', to: null, termination: '', confirmed_by: '', ...more,
});
const lease = (holder: string): Lease => ({ vehicle_id: 'v', holder, zone: false, since: '2026-11-26T04:00:00Z', from: '', reason: '' });
const ann: Me = { person: 'ann', zone: false };
const zone: Me = { person: 'carl', zone: true };

describe('what is offered', () => {
  it.each([
    ['copter', 'uav', 2, 'moving', 'hold stop return land'],
    ['VTOL', 'uav', 22, 'holding', 'hold stop return land'],
    ['fixed wing', 'uav', 1, 'moving', 'hold return'],
    ['car', 'icv', 10, 'moving', 'stop hold return'],
    ['boat', 'usv', 11, 'moving', 'hold stop return'],
    ['parked copter', 'uav', 2, 'parked', 'hold stop'],
    ['parked fixed wing', 'uav', 1, 'parked', 'hold'],
    ['says that it is a boat', 'uav', 11, 'moving', ''],
    ['says nothing known', 'uav', 0, 'moving', ''],
  ] as const)('%s', (_, cls, type, phase, want) => {
    expect(offered({ class: cls, phase, source: { mav_type: type } }).join(' ')).toBe(want);
  });
});

describe('news of the live channel', () => {
  const older = order('1', 'hold', 'sent');
  const newer = order('2', 'land', 'asked', { asked_at: '2026-11-26T04:00:09.000Z' });
  const have = { items: [older], lease: lease('ann'), next: null };
  it('replaces an order that is known, and puts a new one first', () => {
    const got = withNews('v', have, [newer, { ...older, state: 'in_effect' }, order('3', 'hold', 'sent', { vehicle_id: 'w' })], []);
    expect(got.items?.map((o) => `${o.id} ${o.state}`)).toEqual(['2 asked', '1 in_effect']);
    expect(got.lease?.holder).toBe('ann');
  });
  it('has the control change hands, or end', () => {
    expect(withNews('v', have, [], [lease('carl')]).lease?.holder).toBe('carl');
    expect(withNews('v', have, [], [lease('')]).lease).toBeNull();
    expect(withNews('w', have, [], [lease('carl')]).lease?.holder).toBe('ann');
  });
  it('concerns its vehicles alone', () => {
    expect([concerns('v', [older], []), concerns('w', [older], []), concerns('v', [], [lease('x')])]).toEqual([true, false, true]);
  });
});

describe('what a vehicle is under, newest first', () => {
  it.each<[string, Order[], string | undefined]>([
    ['nothing', [], undefined],
    ['held', [order('1', 'hold', 'in_effect')], '1'],
    ['sent', [order('2', 'return', 'sent'), order('1', 'hold', 'superseded')], '2'],
    ['a refused one changes nothing', [order('2', 'return', 'refused'), order('1', 'hold', 'in_effect')], '1'],
    ['ended', [order('2', 'resume', 'in_effect'), order('1', 'hold', 'in_effect')], undefined],
    ['RESUME without effect', [order('2', 'resume', 'no_effect'), order('1', 'hold', 'in_effect')], '1'],
  ])('%s', (_, items, want) => {
    expect(stopOf(items)?.id).toBe(want);
  });
  it.each<[string, Order, string, Me, boolean]>([
    ['own', order('1', 'hold', 'in_effect'), 'ann', ann, true],
    ['own, the control given up', order('1', 'stop', 'in_effect'), '', ann, true],
    ['not in effect yet', order('1', 'hold', 'accepted'), 'ann', ann, false],
    ['LAND', order('1', 'land', 'in_effect'), 'ann', ann, false],
    ['of somebody else', order('1', 'hold', 'in_effect', { person: 'ben' }), 'ben', ann, false],
    ['of somebody else, taken over', order('1', 'hold', 'in_effect', { person: 'ben' }), 'ann', ann, true],
    ['of the zone, by its operator', order('1', 'hold', 'in_effect', { person: 'carl', zone: true }), 'ann', ann, false],
    ['of the zone, by the zone', order('1', 'hold', 'in_effect', { person: 'carl', zone: true }), 'carl', zone, true],
  ])('RESUME: %s', (_, newest, holder, me, want) => {
    expect(endable([newest], holder ? lease(holder) : null, me) !== null).toBe(want);
  });
});

it.each<[string, Order, string]>([
  ['asked', order('1', 'hold', 'asked'), 'asked+0'],
  ['in effect', order('1', 'hold', 'in_effect', {
    sent_at: '2026-11-26T04:00:00.020Z', accepted_at: '2026-11-26T04:00:00.120Z', effect_at: '2026-11-26T04:00:02.500Z', ended_at: '2026-11-26T04:00:02.500Z',
  }), 'asked+0 sent+20 accepted+120 in_effect+2500'],
  ['refused', order('1', 'hold', 'refused', { sent_at: '2026-11-26T04:00:00.020Z', ended_at: '2026-11-26T04:00:00.300Z' }), 'asked+0 sent+20 refused+300'],
  ['never sent', order('1', 'resume', 'expired', { ended_at: '2026-11-26T04:00:30Z' }), 'asked+0 expired+30000'],
])('steps: %s', (_, o, want) => {
  expect(stepsOf(o).map((s) => `${s.state}+${s.afterMs}`).join(' ')).toBe(want);
});

it('a latency is in ms below one second', () => {
  expect([0.2, 23, 999.4, 1_000, 5_740].map(latencyText)).toEqual(['0 ms', '23 ms', '999 ms', '1.0 s', '5.7 s']);
});

const CONTROL = ['zone.read', 'zone.control', 'vehicle.command'];
it.each<[string, string, string, string[], Me | null]>([
  ['a controller', 'carl', 'zone', CONTROL, { person: 'carl', zone: true }],
  ['a token of the configuration', '', '', CONTROL, { person: 'token-1', zone: true }],
  ['its operator', 'ann', 'lab', ['zone.read', 'vehicle.command'], { person: 'ann', zone: false }],
  ['another operator', 'ben', 'other', ['zone.read', 'vehicle.command'], null],
  ['an observer of its operator', 'dan', 'lab', ['zone.read'], null],
])('who orders: %s', (_, person, organisation, scopes, want) => {
  expect(handOf({ id: person || 'token-1', person, organisation, scopes }, 'lab')).toEqual(want);
  expect(handOf(null, 'lab')).toBeNull();
});
