import { describe, expect, it } from 'vitest';
import { formatCoordinates, formatVertex, parseCoordinates, parseVertex } from './coordinates';
import { toWgs84 } from './gcj02';
import { distanceM } from './measure';

const place = [121.93, 30.9];

describe('one vertex', () => {
  it.each([
    '30.9, 121.93', '30.9 121.93', '30.9,121.93', '30.9000000,\t121.9300000', '+30.9; 121.93', '３０.９，１２１.９３', '30.9、121.93',
    'N30.9 E121.93', '30.9N 121.93E', '121.93E 30.9N', 'E121.93, N30.9', '北纬30.9 东经121.93', '东经121.93度，北纬30.9度',
    '30°54′00″N 121°55′48″E', '30°54\'00"N, 121°55\'48"E', '30 54 00 N 121 55 48 E', '30 54 0 121 55 48', 'N30°54′ E121°55.8′',
    '北纬30度54分0秒，东经121度55分48秒', '东经121°55′48″ 北纬30°54′0″', '305400N 1215548E', '305400.0N1215548.0E', '30:54:00N 121:55:48E',
  ])('%s', (text) => expect(parseVertex(text)).toEqual(place));

  it('south and west are negative', () => {
    expect(parseVertex('30°54′S 121.93W')).toEqual([-121.93, -30.9]);
    expect(parseVertex('-30.9, -121.93')).toEqual([-121.93, -30.9]);
  });
  it.each([
    ['', 'pair'], ['30.9', 'pair'], ['30.9, 121.93, 5', 'pair'], ['30.9N 31.0N', 'pair'], ['30.9N 121.93', 'pair'],
    ['30.9, abc', 'number'], ['-30.9N 121.93E', 'number'], ['30 -5 0 121 5 0', 'number'], ['30.5 10 121.5 10', 'number'],
    ['30°60′N 121°00′E', 'minutes'], ['30 10 61 121 0 0', 'minutes'], ['91, 121.93', 'range'], ['30.9, 181', 'range'], ['121.93, 30.9', 'range'],
  ])('refuses %s', (text, want) => expect(parseVertex(text)).toBe(want));
});

describe('lists', () => {
  it('rings, holes, polygons, comments and the repeated last vertex', () => {
    const got = parseCoordinates('# area\n1, 2\n1, 3\n\n2, 3\n1, 2\nhole\n1.1, 2.1\n1.2, 2.2\n1.1, 2.2\npolygon\n5, 5\n5, 6\n6, 6');
    expect(got.faults).toEqual([]);
    expect(got.polygons.map((p) => p.map((r) => r.length))).toEqual([[3, 3], [3]]);
    expect(got.polygons[0]![0]![1]).toEqual([3, 1]);
  });
  it('faults name their lines, and all of them', () => {
    expect(parseCoordinates('hole\n1, 2\nx\n99, 2').faults.map((f) => [f.line, f.code])).toEqual([[1, 'hole_first'], [3, 'pair'], [4, 'range']]);
  });
  it('GeoJSON is understood, longitude first', () => {
    const g = { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[[121.93, 30.9], [121.94, 30.9], [121.94, 30.91], [121.93, 30.9]]] } };
    expect(parseCoordinates(JSON.stringify(g)).polygons[0]![0]![0]).toEqual(place);
    expect(parseCoordinates('{"type":').faults[0]!.code).toBe('json');
    expect(parseCoordinates('{"type":"Polygon"}').faults[0]!.code).toBe('json');
  });
  it('what is written is read back to the last digit, in both formats', () => {
    let seed = 3;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    const e7 = (span: number) => Math.round((random() * 2 - 1) * span * 1e7) / 1e7;
    const ring = Array.from({ length: 200 }, () => [e7(180), e7(90)] as const);
    for (const f of ['decimal', 'dms'] as const) expect(parseCoordinates(formatCoordinates([[ring]], f)).polygons).toEqual([[ring]]);
  });
  it('seconds never show as 60', () => {
    expect(formatVertex([121.9999999999, 30.9], 'dms')).toBe('30°54′00.0000″N 122°00′00.0000″E');
    expect(formatVertex([-0.5, -0.25], 'dms')).toBe('0°15′00.0000″S 0°30′00.0000″W');
  });
  it('never throws', () => {
    for (const text of ['NESW', '°°°', '{', '[]', 'N N E E', '1e5, 2', '- , -', '北东', '\u0000', '1,2\r\n3,4']) expect(() => parseCoordinates(text)).not.toThrow();
  });
});

describe('GCJ-02', () => {
  it('is some hundred metres off, and nothing outside of China', () => {
    const shifted = distanceM(toWgs84([121.93, 30.9]), [121.93, 30.9]);
    expect(shifted).toBeGreaterThan(300);
    expect(shifted).toBeLessThan(700);
    expect(toWgs84([2.35, 48.85])).toEqual([2.35, 48.85]);
  });
});
