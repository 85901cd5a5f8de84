import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanItem } from '../api/plans';
import { shapeOfPlan } from './plan-shape';

const item = (command: number, lat: number | null, lon: number | null, frame = 3, size = 0): PlanItem => ({ command, frame, params: [size, 0, 0, null, lat, lon, 40] });

test('a mission: items without a place count, and are not drawn', () => {
  const s = shapeOfPlan('mission', [item(22, 0, 0), item(16, 30.9, 121.9), item(178, 5, 7), item(201, 30.8, 121.8), item(16, 30.91, 121.91), item(20, 30.9, 121.9, 2)]);
  assert.deepEqual(s.points.map((p) => p.n), [2, 4, 5]);
  assert.deepEqual(s.way, [{ lat: 30.9, lon: 121.9 }, { lat: 30.91, lon: 121.91 }]);
});

test('fences: as many vertices as each polygon has', () => {
  const v = (c: number, lat: number) => item(c, lat, 121.9, 5, 3);
  const s = shapeOfPlan('fence', [item(5000, 30, 121, 5), v(5001, 1), v(5001, 2), v(5001, 3), v(5001, 4), v(5001, 5), v(5001, 6), item(5004, 30.9, 121.9, 5, 25)]);
  assert.deepEqual(s.areas.map((a) => a.ring.map((p) => p.lat)), [[1, 2, 3], [4, 5, 6]]);
  assert.deepEqual(s.circles, [{ lat: 30.9, lon: 121.9, inside: false, radiusM: 25 }]);
  assert.deepEqual(s.points.map((p) => p.n), [1]);
});
