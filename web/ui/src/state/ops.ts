// The live state of the zone: joins the live connection, the HTTP API, the fleet
// and the alert book, and tells the page through signals what changed. Positions
// never become signals; they stay in the fleet's arrays.

import { batch, computed, signal } from '@preact/signals';
import { ApiError, api } from '../api/client';
import type { paths } from '../api/schema';
import type { Alert, Fence, HealthReason, Zone } from '../api/types';
import { lang, t, code } from '../i18n';
import { LiveConnection, type LinkState } from '../live/connection';
import { Fleet } from '../live/fleet';
import { Flag, type FrameHeader } from '../live/frame';
import type { Coverage, ServerMessage, Transition } from '../live/messages';
import { now, type MonoMs, type Ms } from '../units';
import { AlertBook, isUnacked, type VehicleAlert } from './alert-book';
import { announce } from './announce';
import { serverTime, syncClock, zoneTz } from './clock';
import { expireSession } from './session';
import { tell } from './notices';
import { setCritical, soundRaised, soundTick } from './sound';

const MAX_EVENTS = 200;

export const zone = signal<Zone | null>(null);
export const loadError = signal<string | null>(null);
export const linkState = signal<LinkState>('connecting');
export const closeCode = signal(0);
export const rateReduced = signal(false);
export const degraded = signal<readonly HealthReason[] | null>(null);
export const fences = signal<readonly Fence[]>([]);
export const alerts = signal<readonly Alert[]>([]);
export const events = signal<readonly Transition[]>([]);
export const ackErrors = signal<ReadonlyMap<string, string>>(new Map());
/** For how many vehicles fences are enforced, as the server counts. */
export const coverage = signal<Coverage | null>(null);
/** Zone time at which live data stopped; null while it flows. */
export const stoppedAt = signal<number | null>(null);
export const vehicleAlerts = signal<ReadonlyMap<string, VehicleAlert>>(new Map());
export const breachedFences = signal<ReadonlySet<string>>(new Set());
export const unackedCount = computed(() => alerts.value.filter(isUnacked).length);

export const fleet = new Fleet();
const book = new AlertBook();
const fenceById = new Map<string, Fence>();
let connection: LiveConnection | null = null;
let epoch = 0;
let loading: Promise<void> | null = null;
let loadAgain = false;

/** Is told of each frame; calls done once it was drawn (or cannot be now). */
let renderer: { frameArrived(done: (renderMs: Ms, queued: number) => void): void } | null = null;
export const setRenderer = (r: typeof renderer): void => void (renderer = r);

export const live = (): LiveConnection | null => connection;
export const findAlert = (id: string): Alert | undefined => book.get(id);

/** Reads the zone and goes live; the answer ends it. */
export async function openZone(): Promise<() => void> {
  loadError.value = null;
  try {
    const z = await api.zone();
    zoneTz.value = z.tz;
    fleet.setAnchor(z.bbox);
    const stop = startLive();
    zone.value = z;
    return stop;
  } catch (err) {
    failed(err);
    loadError.value = err instanceof Error ? err.message : String(err);
    return () => {};
  }
}

function startLive(): () => void {
  const url = new URL('/v1/live' satisfies keyof paths, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  connection = new LiveConnection({ url: url.href, lang: lang.peek() }, { frame, message, state, unopened });
  connection.start();
  const watch = window.setInterval(checkStale, 250);
  return () => {
    window.clearInterval(watch);
    connection?.stop();
    connection = null;
    reset();
  };
}

/** Forgets everything of a session, so that the next user starts clean. */
function reset(): void {
  batch(() => {
    fleet.clear();
    book.clear();
    fenceById.clear();
    fences.value = [];
    events.value = [];
    stoppedAt.value = null;
    linkState.value = 'connecting';
    zone.value = null;
    coverage.value = null;
    epoch = 0;
    publish();
  });
}

function frame(view: DataView, h: FrameHeader, at: MonoMs): void {
  syncClock(h.serverTimeUs, at);
  soundTick();
  if (h.epoch !== epoch) newEpoch(h.epoch);
  fleet.apply(view, h, at);
  rateReduced.value = (h.flags & Flag.reducedRate) !== 0;
  checkStale();
  const ack = (renderMs: Ms, queued: number) => connection?.ack(h.seq, renderMs, queued);
  if (renderer) renderer.frameArrived(ack);
  else ack(0 as Ms, 0);
}

function newEpoch(e: number): void {
  if (epoch !== 0) fleet.clear();
  epoch = e;
}

function message(m: ServerMessage, resumed: boolean): void {
  switch (m.t) {
    case 'welcome':
      if (m.epoch !== epoch) newEpoch(m.epoch);
      if (!resumed) void reload();
      return tell(m);
    case 'reset':
      return void reload();
    case 'dict':
      if (m.epoch !== epoch) newEpoch(m.epoch);
      fleet.grid = m.grid ?? fleet.grid;
      return fleet.addDict(m.v ?? []);
    case 'snapmeta':
      return fleet.setCells(m.cells);
    case 'health':
      degraded.value = m.status === 'degraded' ? (m.reasons ?? []) : null;
      return;
    case 'coverage':
      coverage.value = m;
      return tell(m);
    case 'orders':
    case 'zone':
    case 'duty':
    case 'compliance':
    case 'notifications':
      return tell(m);
    case 'alert':
      arrived(m.alert);
      return publish();
    case 'transition':
      if (!events.value.some((e) => e.cseq === m.cseq && e.at === m.at)) {
        events.value = [m, ...events.value].slice(0, MAX_EVENTS);
      }
      return;
    case 'fence':
      return applyFence(m.op, m.fence);
  }
}

function applyFence(op: 'put' | 'delete', f: Fence | { id: string; rev: number }): void {
  const have = fenceById.get(f.id);
  if (have && have.rev > f.rev) return;
  if (op === 'put') fenceById.set(f.id, f as Fence);
  else fenceById.delete(f.id);
  publishFences();
}

/** Takes the answer to a change of our own, before the live channel tells it. */
export const takeFence = (f: Fence): void => applyFence('put', f);
export const dropFence = (id: string): void => applyFence('delete', { id, rev: Infinity });

const publishFences = (): void => {
  fences.value = [...fenceById.values()].sort((a, b) => a.name.localeCompare(b.name));
};

function arrived(a: Alert): void {
  const outcome = book.apply(a);
  if (outcome === 'raised' || outcome === 'escalated') proclaim(a);
}

function proclaim(a: Alert): void {
  soundRaised(a.level);
  const p = { level: code('alert.level', String(a.level)), type: code('alert.type', a.type), vehicle: vehicleName(a) };
  announce(a.fence ? t('announce.alertFence', { ...p, fence: a.fence.name }) : t('announce.alert', p), a.level >= 3);
}

export const vehicleName = (a: Alert): string => a.vehicle.name || a.vehicle.id;

function publish(): void {
  batch(() => {
    alerts.value = book.open();
    vehicleAlerts.value = book.byVehicle();
    breachedFences.value = book.breachedFences();
  });
  setCritical(alerts.value.filter((a) => a.level >= 3 && isUnacked(a)).map((a) => a.id));
}

/** Reads alerts and fences over HTTP; control messages that arrive meanwhile stand. */
function reload(): Promise<void> {
  if (loading) {
    loadAgain = true;
    return loading;
  }
  loading = loadOnce().finally(() => {
    loading = null;
    if (!loadAgain) return;
    loadAgain = false;
    window.setTimeout(() => void reload(), 1_000);
  });
  return loading;
}

async function loadOnce(): Promise<void> {
  book.beginLoad();
  try {
    const [open, all] = await Promise.all([api.openAlerts(), api.fences()]);
    for (const a of book.finishLoad(open)) proclaim(a);
    const listed = new Set(all.map((f) => f.id));
    for (const id of fenceById.keys()) if (!listed.has(id)) fenceById.delete(id);
    for (const f of all) if ((fenceById.get(f.id)?.rev ?? -1) <= f.rev) fenceById.set(f.id, f);
    publishFences();
    publish();
  } catch (err) {
    failed(err);
    if (!(err instanceof ApiError && err.status === 401)) window.setTimeout(() => void reload(), 2_000);
  }
}

export async function acknowledge(id: string): Promise<void> {
  const a = book.get(id);
  if (!a || !isUnacked(a)) return;
  const errors = new Map(ackErrors.value);
  errors.delete(id);
  try {
    book.apply(await api.acknowledge(id));
    announce(t('announce.acked', { vehicle: vehicleName(a) }));
  } catch (err) {
    failed(err);
    errors.set(id, err instanceof Error ? err.message : String(err));
  }
  ackErrors.value = errors;
  publish();
}

/** An answer 401 ends the session of the page too. */
export function failed(err: unknown): void {
  if (err instanceof ApiError && err.status === 401) expireSession();
}

function state(s: LinkState, c: number): void {
  batch(() => {
    linkState.value = s;
    closeCode.value = c;
  });
  if (s === 'signed_out') expireSession();
  checkStale();
}

/** A refused upgrade looks like a dead network to the page: ask over HTTP which it is. */
function unopened(): void {
  void api.session().catch(failed);
}

function checkStale(): void {
  if (!connection) return;
  const stopped = now() - connection.lastFrameAt > 2_000;
  if (stopped === (stoppedAt.value !== null)) return;
  stoppedAt.value = stopped ? (serverTime(connection.lastFrameAt) ?? Date.now()) : null;
  announce(t(stopped ? 'announce.stopped' : 'announce.live'), stopped);
}
