import { describe, expect, it } from 'vitest';
import { KEYS, actionFor, type KeyContext } from './keyboard';

const free: KeyContext = { enabled: true, inText: false, onControl: false, dialog: false };
const press = (key: string, more: object = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...more });
const act = (key: string, c: Partial<KeyContext> = {}, more: object = {}) => actionFor(press(key, more), { ...free, ...c });

describe('keys', () => {
  it.each([
    ['/', 'search'], ['?', 'help'], ['q', 'zoomOut'], ['e', 'zoomIn'], ['w', 'panUp'], ['ArrowLeft', 'panLeft'], ['h', 'home'],
    ['f', 'follow'], ['l', 'labels'], ['i', 'isolate'], ['t', 'trails'], ['v', 'table'], ['n', 'nextAlert'], ['N', 'previousAlert'],
    [' ', 'acknowledge'], ['x', 'silence'], ['b', 'dim'], ['F', 'emergency'], ['Escape', 'escape'],
  ])('%s is %s', (key, action) => expect(act(key)).toBe(action));

  it('unknown keys and keys with modifiers do nothing', () => {
    expect(act('z')).toBeNull();
    for (const m of ['ctrlKey', 'metaKey', 'altKey']) expect(act('a', {}, { [m]: true })).toBeNull();
  });
  it('are off in text fields, except Escape', () => {
    for (const key of Object.keys(KEYS)) expect(act(key, { inText: true })).toBe(key === 'Escape' ? 'escape' : null);
  });
  it('can be switched off, except Escape', () => {
    for (const key of Object.keys(KEYS)) expect(act(key, { enabled: false })).toBe(key === 'Escape' ? 'escape' : null);
  });
  it('leave everything to an open dialog', () => {
    for (const key of Object.keys(KEYS)) expect(act(key, { dialog: true })).toBeNull();
  });
  it('leave Space and arrows to the control that has the focus', () => {
    expect(act(' ', { onControl: true })).toBeNull();
    expect(act('ArrowUp', { onControl: true })).toBeNull();
    expect(act('n', { onControl: true })).toBe('nextAlert');
  });
  it('repeat only what moves the map: an acknowledgement never repeats', () => {
    expect(act('w', {}, { repeat: true })).toBe('panUp');
    expect(act(' ', {}, { repeat: true })).toBeNull();
  });
});
