import { describe, expect, it } from 'vitest';
import type { Alert } from '../api/types';
import { AlertBook, concerns } from './alert-book';

const at = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();
const alert = (id: string, more: Partial<Alert> = {}): Alert => ({
  id, type: 'fence_breach', level: 3, state: 'raised', open: true, raised_at: at(0), last_at: at(0), cleared_at: null,
  acknowledged: null, count: 1, transitions: 1, confirmed_at: null, vehicle: { id: `v-${id}`, handle: 1, name: id, class: 'uav', verified: true },
  fence: { id: 'f1', name: 'F', kind: 'keep_out', rev: 1 }, evidence: null, sectors: [], ...more,
});
const acked = { state: 'acknowledged' as const, acknowledged: { by: 'me', at: at(3) }, last_at: at(3) };

describe('outcomes', () => {
  it('raised once, however often it arrives', () => {
    const b = new AlertBook();
    expect(b.apply(alert('a'))).toBe('raised');
    expect(b.apply(alert('a'))).toBe('old');
  });
  it('an older message does not undo an acknowledgement', () => {
    const b = new AlertBook();
    b.apply(alert('a'));
    expect(b.apply(alert('a', acked))).toBe('acknowledged');
    expect(b.apply(alert('a'))).toBe('old');
    expect(b.open()[0]!.acknowledged?.by).toBe('me');
  });
  it('a higher level speaks again, a repeat at the same level does not', () => {
    const b = new AlertBook();
    b.apply(alert('a', { level: 2 }));
    expect(b.apply(alert('a', { level: 2, count: 2, last_at: at(5) }))).toBe('updated');
    expect(b.apply(alert('a', { level: 3, count: 2, last_at: at(6) }))).toBe('escalated');
  });
  it('re-opened after acknowledgement counts as raised to a person', () => {
    const b = new AlertBook();
    b.apply(alert('a', acked));
    expect(b.apply(alert('a', { count: 2, last_at: at(9) }))).toBe('escalated');
  });
});

describe('the list', () => {
  it('cleared and acknowledged leaves it, cleared alone stays', () => {
    const b = new AlertBook();
    b.apply(alert('a'));
    b.apply(alert('a', { state: 'cleared', cleared_at: at(4), last_at: at(4) }));
    expect(b.open()).toHaveLength(1);
    b.apply(alert('a', { ...acked, state: 'cleared', cleared_at: at(4), open: false, last_at: at(5) }));
    expect(b.open()).toHaveLength(0);
    expect(b.get('a')).toBeDefined();
  });
  it('waiting ones first, then level, then newest', () => {
    const b = new AlertBook();
    b.apply(alert('old', { level: 2, raised_at: at(1) }));
    b.apply(alert('new', { level: 2, raised_at: at(2) }));
    b.apply(alert('crit', { raised_at: at(0) }));
    b.apply(alert('done', acked));
    expect(b.open().map((a) => a.id)).toEqual(['crit', 'new', 'old', 'done']);
  });
  it('names the highest alert of each vehicle and the fences breached now', () => {
    const b = new AlertBook();
    const vehicle = alert('x').vehicle;
    b.apply(alert('a', { level: 2, vehicle, ...acked }));
    b.apply(alert('b', { level: 3, vehicle }));
    b.apply(alert('c', { cleared_at: at(4), fence: { id: 'f2', name: '', kind: 'keep_in', rev: 1 } }));
    expect(b.byVehicle().get('v-x')).toEqual({ level: 3, unacked: true });
    expect([...b.breachedFences()]).toEqual(['f1']);
  });
});

describe('loading while messages arrive', () => {
  it('closes what the server no longer lists, keeps what changed meanwhile', () => {
    const b = new AlertBook();
    b.apply(alert('gone'));
    b.beginLoad();
    b.apply(alert('meanwhile'));
    const raised = b.finishLoad([alert('listed')]);
    expect(raised.map((a) => a.id)).toEqual(['listed']);
    expect(b.open().map((a) => a.id).sort()).toEqual(['listed', 'meanwhile']);
  });
  it('a message that is newer than the answer stands', () => {
    const b = new AlertBook();
    b.beginLoad();
    b.apply(alert('a', acked));
    b.finishLoad([alert('a')]);
    expect(b.open()[0]!.acknowledged).not.toBeNull();
  });
});

describe('alerts by sector', () => {
  it.each([
    ['of the whole zone', 2, ['west'], null, true],
    ['of an own sector', 1, ['west'], ['west', 'sea'], true],
    ['of an overlap', 1, ['east', 'west'], ['west'], true],
    ['of another sector', 2, ['east'], ['west'], false],
    ['critical in another sector', 3, ['east'], ['west'], true],
    ['nobody knows where', 1, [], ['west'], true],
  ])('%s', (_, level, sectors, mine, shown) => {
    expect(concerns({ level, sectors }, mine)).toBe(shown);
  });
});
