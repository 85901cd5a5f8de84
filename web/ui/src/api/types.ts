// What the HTTP API answers, as the page uses it: the generated types, narrowed
// where a JSON schema cannot say enough (tuples, GeoJSON).

import type { FeatureCollection, MultiPolygon, Point, Polygon } from 'geojson';
import type { components } from './schema';

type Schemas = components['schemas'];

export type Bbox = [number, number, number, number];
export type Actor = Schemas['Actor'];
export type Session = Schemas['Session'];
export type Zone = Omit<Schemas['Zone'], 'bbox' | 'features'> & { bbox: Bbox; features: FeatureCollection };
export type Fence = Omit<Schemas['Fence'], 'geometry'> & { geometry: Polygon | MultiPolygon | Point };
export type Height = Schemas['Height'];
export type Fix = Schemas['Fix'];
export type Track = Schemas['Track'];
export type Alert = Schemas['Alert'];
export type VehicleRef = Schemas['AlertVehicle'];
export type FenceRef = Schemas['AlertFence'];
export type HealthReason = Schemas['HealthReason'];
export type Problem = Schemas['Problem'];
