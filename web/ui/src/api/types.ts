// What the HTTP API answers, as the page uses it: the generated types, narrowed
// where a JSON schema cannot say enough (tuples, GeoJSON).

import type { FeatureCollection } from 'geojson';
import type { FenceGeometry } from '../fence/shape';
import type { components } from './schema';

type Schemas = components['schemas'];

export type Bbox = [number, number, number, number];
export type Actor = Schemas['Actor'];
export type Session = Schemas['Session'];
export type SignIn = Schemas['SignIn'];
export type Zone = Omit<Schemas['Zone'], 'bbox' | 'features'> & { bbox: Bbox; features: FeatureCollection };
export type Height = Schemas['Height'];

type Terms<S> = Omit<S, 'geometry'> & { geometry: FenceGeometry };
export type FenceInput = Terms<Schemas['FenceInput']>;
export type Fence = Terms<Schemas['Fence']>;
/** Who is concerned by a fence that is not published yet, and what it would do. */
export type FencePreview = Schemas['FencePreview'];
export type FenceChange = Omit<Schemas['FenceChange'], 'fence'> & { fence?: FenceInput };
export type FenceVersion = Omit<Schemas['FenceVersion'], 'fence'> & { fence: Fence };
export type FenceEnforcement = Schemas['FenceEnforcement'];
export type ImportReport = Schemas['ImportReport'];
export type EmergencyInput = Schemas['EmergencyInput'];
export type Fix = Schemas['Fix'];
export type Track = Schemas['Track'];
export type Traffic = Schemas['TrafficTrack'];
export type Grounds = Schemas['Grounds'];
export type Jump = Schemas['Jump'];
export type Alert = Schemas['Alert'];
export type VehicleRef = Schemas['AlertVehicle'];
export type FenceRef = Schemas['AlertFence'];
export type HealthReason = Schemas['HealthReason'];
export type Problem = Schemas['Problem'];
