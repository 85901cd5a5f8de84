// Branded units: a number says what it measures, and the compiler keeps apart
// what must not be mixed. The brand exists in types only.

export type Degrees = number & { readonly unit: 'deg' };
/** 1e-7 degree, the lattice of MAVLink and of the live record. */
export type DegE7 = number & { readonly unit: 'degE7' };
export type Metres = number & { readonly unit: 'm' };
export type MetresPerSecond = number & { readonly unit: 'm/s' };
/** Milliseconds of the page's monotonic clock (performance.now). */
export type MonoMs = number & { readonly unit: 'ms mono' };
/** Milliseconds since the Unix epoch, by the server's clock. */
export type UnixMs = number & { readonly unit: 'ms unix' };
/** A duration. */
export type Ms = number & { readonly unit: 'ms' };
export type Handle = number & { readonly unit: 'handle' };
/** Normalised Web Mercator, 0..1 from west to east and from north to south. */
export type Mercator = number & { readonly unit: 'merc' };
/** CSS pixels. */
export type Px = number & { readonly unit: 'px' };

export const degrees = (v: number) => v as Degrees;
export const metres = (v: number) => v as Metres;
export const fromE7 = (v: DegE7) => (v / 1e7) as Degrees;
export const ms = (v: number) => v as Ms;

/** The page's monotonic clock; never the wall clock of the client. */
export const now = () => performance.now() as MonoMs;
export const since = (t: MonoMs, at: MonoMs = now()) => (at - t) as Ms;
