// Normalised Web Mercator: x 0..1 from -180 to 180 degrees, y 0..1 from north to
// south. All in double precision; single precision only after the anchor is taken off.

import type { Degrees, Mercator } from '../units';

export const mercX = (lon: Degrees): Mercator => ((lon + 180) / 360) as Mercator;

export const mercY = (lat: Degrees): Mercator =>
  (0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI)) as Mercator;

export const lonOf = (x: Mercator): Degrees => (x * 360 - 180) as Degrees;

export const latOf = (y: Mercator): Degrees =>
  ((Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) * 360) / Math.PI - 90) as Degrees;
