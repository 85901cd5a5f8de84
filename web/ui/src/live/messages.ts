// The JSON text messages of `zl.v1`, both directions.

import type { Lease, Order } from '../api/orders';
import type { Termination } from '../api/terminations';
import type { ZoneStatus } from '../api/zone';
import type { Alert, Fence, FenceRef, Fix, Grounds, HealthReason, Jump, VehicleRef } from '../api/types';

export type Bbox = readonly [w: number, s: number, e: number, n: number];

export interface Grid { readonly bbox: Bbox; readonly cols: number; readonly rows: number }

export interface DictEntry {
  readonly h: number;
  readonly id: string;
  readonly name: string;
  readonly class: string;
  readonly org: string;
  readonly verified: boolean;
}

export interface Transition {
  readonly cseq: number;
  readonly kind: 'entered' | 'left' | 'crossed' | 'ended' | 'over_speed' | 'speed_ok' | 'group_left' | 'group_entered' | 'jump';
  readonly flags: readonly string[] | null;
  readonly at: string;
  readonly vehicle: Omit<VehicleRef, 'handle'> & { readonly h: number };
  readonly fence: FenceRef | null;
  readonly datum?: string;
  readonly jump?: Jump;
  readonly grounds: Grounds | null;
  /** The alerts count it and change nothing. */
  readonly held: boolean;
  readonly before: Fix | null;
  readonly after: Fix | null;
}

/** What else changed; panels that show it read it here or ask again. */
export type Notice =
  | { t: 'orders'; cseq: number; orders: Order[]; leases: Lease[]; terminations?: Termination[] }
  | { t: 'zone'; cseq: number; state: ZoneStatus }
  | { t: 'duty'; cseq: number; present: number; uncovered: { id: string; name: string }[] }
  /** There is more to read than before. */
  | { t: 'notifications'; cseq: number }
  | { t: 'compliance'; cseq: number; state: ZoneStatus['state']; against: number }
  /** After hello without a cseq. */
  | { t: 'coverage'; cseq?: number; armed: number; notEnforced: number; unverified: number };
export type Coverage = Extract<Notice, { t: 'coverage' }>;

export type ServerMessage =
  | Notice
  | { t: 'welcome'; epoch: number; cseq: number; serverTimeUs: number }
  | { t: 'dict'; epoch: number; grid: Grid; datum: string; v: DictEntry[] | null }
  | { t: 'snapmeta'; total: number; hz: number; cells: number[] | null }
  | { t: 'pong'; clientTimeUs: number; serverTimeUs: number }
  | { t: 'bye'; reason: string }
  | { t: 'reset' }
  | { t: 'health'; status: 'ok' | 'degraded'; reasons: HealthReason[] | null }
  | { t: 'alert'; cseq: number; jseq?: number; alert: Alert }
  | ({ t: 'transition' } & Transition)
  | { t: 'fence'; cseq: number; op: 'put'; fence: Fence }
  | { t: 'fence'; cseq: number; op: 'delete'; fence: { id: string; rev: number } };

/** The messages that belong to the ordered control channel. */
export type ControlMessage = Extract<ServerMessage, { cseq: number; t: 'alert' | 'transition' | 'fence' }> | (Notice & { cseq: number });

export interface Resume { epoch: number; seq: number; alertSeq: number }

export type ClientMessage =
  | { t: 'hello'; resume?: Resume; enc: ['packed']; lang: string }
  | { t: 'sub'; bbox: Bbox; maxHz: number; zoom: number }
  | { t: 'follow'; ids: string[] }
  | { t: 'ack'; seq: number; renderMs: number; queued: number }
  | { t: 'alertAck'; alertSeq: number }
  | { t: 'ping'; clientTimeUs: number };

export const isControl = (m: ServerMessage): m is ControlMessage => m.t !== 'welcome' && 'cseq' in m;

/** Parses a text message; null when it is not one (reported, never thrown). */
export function parseServerMessage(text: string): ServerMessage | null {
  try {
    const m: unknown = JSON.parse(text);
    if (typeof m !== 'object' || m === null || typeof (m as { t?: unknown }).t !== 'string') return null;
    return m as ServerMessage;
  } catch {
    return null;
  }
}
