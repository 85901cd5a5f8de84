import { describe, expect, it } from 'vitest';
import type { Fence } from '../api/types';
import { differences, movedVertices } from './difference';
import { draftOf, fieldAt, inputOf, newDraft, placeAt, type Draft } from './draft';
import type { Shape } from './shape';

const tz = 'Asia/Shanghai';
const fence: Fence = {
  id: 'f', name: 'River', kind: 'keep_in', geometry: { type: 'Polygon', coordinates: [[[1, 2], [3, 2], [3, 4], [1, 2]]] },
  floor: { m: 0, datum: 'takeoff' }, ceiling: { m: 120.5, datum: 'takeoff' }, applies: { classes: ['uav'], exempt_vehicles: ['uav-1', 'uav-2'], permits: ['pm_1'], exempt_permits: ['pm_2'] },
  edges: 'geodesic', schedule: { weekly: [{ days: ['mon'], from: '08:00', to: 'sunset' }], holidays: 'as_days' }, speed_mps: null, margin_m: 5,
  group: 'g', in_force: true, changes_at: null, response: 'hold', origin: { kind: 'manual', id: '' }, rev: 3, created_at: '', updated_at: '', updated_by: '',
};
const circle: Shape = { kind: 'circle', center: [1, 2], radiusM: 5 };
const faults = (d: Partial<Draft>) => inputOf({ ...newDraft, name: 'A', ...d }, circle, tz).faults.map((f) => [f.field, f.code]);

describe('a fence as a draft', () => {
  it('comes back as the same definition', () => {
    const { draft, shape } = draftOf(fence, tz);
    const { input, faults: none } = inputOf(draft, shape!, tz);
    expect(none).toEqual([]);
    expect(differences(fence, input)).toEqual([]);
    expect(input.group).toBe('g');
  });
  it('leaves out what is at its default', () => {
    const { input } = inputOf({ ...newDraft, name: ' A ' }, circle, tz);
    expect(input).toEqual({
      name: 'A', kind: 'keep_out', geometry: { type: 'Point', coordinates: [1, 2] }, radius_m: 5, floor: null, ceiling: null,
      applies: { classes: [] }, response: 'warn', edges: 'lonlat',
    });
  });
  it.each<[string, Partial<Draft>, unknown]>([
    ['no name', { name: ' ' }, [['name', 'name']]],
    ['no number', { floor: { m: 'x', datum: 'amsl' } }, [['floor', 'height']]],
    ['too high', { ceiling: { m: '100001', datum: 'amsl' } }, [['ceiling', 'height']]],
    ['floor above ceiling', { floor: { m: '50', datum: 'amsl' }, ceiling: { m: '50', datum: 'amsl' } }, [['ceiling', 'band']]],
    ['other datum: not ours to compare', { floor: { m: '50', datum: 'amsl' }, ceiling: { m: '40', datum: 'takeoff' } }, []],
    ['decimal comma', { ceiling: { m: '40,5', datum: 'amsl' } }, []],
    ['speed limit without speed', { kind: 'speed_limit' }, [['speed', 'speed']]],
    ['margin', { margin: '-1' }, [['margin', 'margin']]],
    ['schedule', { schedule: { always: false, windows: [], weekly: [], holidays: 'as_days' } }, [['schedule', undefined]]],
  ])('%s', (_name, d, want) => expect(faults(d)).toEqual(want));
});

describe('places of the server', () => {
  it.each([
    ['body.name', 'name'], ['body.fence.floor.m', 'floor'], ['body.geometry.coordinates[0][3]', 'shape'], ['body.radius_m', 'shape'],
    ['body.fence.applies.classes[0]', 'classes'], ['body.applies.exempt_vehicles', 'who'], ['body.schedule.weekly[1].to', 'schedule'],
    ['body.speed_mps', 'speed'], ['body.new_member', null], [undefined, null],
  ])('%s', (location, want) => expect(fieldAt(location)).toBe(want));
  it('numbers of a place', () => expect(placeAt('body.geometry.coordinates[1][3]')).toEqual([1, 3]));
});

describe('differences', () => {
  it('name the members that differ', () => {
    const other: Fence = { ...fence, name: 'Lake', applies: { classes: ['uav'], exempt_vehicles: ['uav-2', 'uav-1'], exempt_permits: ['pm_2'], permits: ['pm_1'] }, ceiling: null, rev: 4 };
    expect(differences(fence, other).map((d) => d.field)).toEqual(['name', 'ceiling']);
  });
  it('count vertices that came and went', () => {
    const a: Shape = { kind: 'polygons', polygons: [[[[0, 0], [1, 0], [1, 1]]]] };
    const b: Shape = { kind: 'polygons', polygons: [[[[0, 0], [1, 0], [2, 1], [0, 3]]]] };
    expect(movedVertices(a, b)).toEqual({ gone: 1, come: 2 });
  });
});
