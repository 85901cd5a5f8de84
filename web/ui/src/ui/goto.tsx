// Sending a vehicle to a point, in its card: where to, by the map, by keys or typed, what
// the server says of the way there, and the button that is held.

import { useEffect, useId, useRef } from 'preact/hooks';
import { orders, type OrderInput, type Way, type WayFence } from '../api/orders';
import type { Track } from '../api/types';
import { formatNumber, t } from '../i18n/later';
import { liveMap } from '../map/current';
import { overMap, picking } from '../state/modes';
import { change, endGoTo, goingTo, looked, nudge, placeOf, point } from '../state/goto';
import { GoToOverlay } from './goto-overlay';
import { HoldButton } from './hold-button';
import { orderProblem } from './order-problem';

/** The vehicle moves on meanwhile, and fences change. */
const AGAIN_MS = 2_000;
const SETTLED_MS = 250;
const STEP_M = 10;
const LEAP_M = 100;

const metres = (m: number) => formatNumber(Math.round(m));

function fenceText(f: WayFence): string {
  const p = { name: f.name, from: metres(f.from_m), inside: metres(f.inside_m) };
  return f.at_end ? t('goto.fenceAtEnd', { name: f.name }) : t('goto.fence', p);
}

function Found({ way, flies }: { way: Way; flies: boolean }) {
  const climb = Math.round(way.climb_m);
  return (
    <>
      <strong class={way.clear ? 'goto-clear' : 'goto-blocked'}>{t(way.clear ? 'goto.clear' : 'goto.blocked')}</strong>
      {' '}{t('goto.length', { m: metres(way.distance_m) })}
      {climb !== 0 && <> · {t(climb > 0 ? 'goto.climbs' : 'goto.sinks', { m: metres(Math.abs(climb)) })}</>}
      {(way.fences ?? []).map((f) => <div key={`${f.id}/${f.from_m}`} data-fence={f.id}>{fenceText(f)}{f.height_unknown && ` ${t('goto.heightUnknown')}`}</div>)}
      {way.priority && <div class="goto-blocked">{t('goto.priority', { name: way.priority })}</div>}
      <div class="small muted">{t(flies ? 'goto.noGround' : 'goto.noDepth')}</div>
    </>
  );
}

/** Asks the server again and again what would become of the vehicle. */
function useLook(id: string, key: string | null): void {
  useEffect(() => {
    if (!key) return;
    const place = JSON.parse(key) as NonNullable<ReturnType<typeof placeOf>>;
    const stop = new AbortController();
    let timer = 0;
    const look = async () => {
      try {
        const way = await orders.way(id, place, stop.signal);
        if (!stop.signal.aborted) looked.value = { key, way, failure: null };
      } catch (failure) {
        if (!stop.signal.aborted) looked.value = { key, way: null, failure };
      }
      if (!stop.signal.aborted) timer = window.setTimeout(() => void look(), AGAIN_MS);
    };
    timer = window.setTimeout(() => void look(), SETTLED_MS);
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [id, key]);
}

function Form({ track, attempt, give }: { track: Track; attempt: (o: OrderInput) => Promise<boolean>; give: (o: OrderInput) => void }) {
  const g = goingTo.value!;
  const flies = track.class === 'uav';
  const to = placeOf(g, flies);
  const key = to && JSON.stringify(to);
  const hint = useId();
  const form = useRef<HTMLElement>(null);
  const pointer = useRef<HTMLButtonElement>(null);
  const pointing = picking.value !== null;
  useLook(track.id, key);
  useEffect(() => form.current?.focus(), []); // not a field: a telephone would cover the map with its keys
  useEffect(() => {
    if (!pointing && document.activeElement === document.body) pointer.current?.focus();
  }, [pointing]);
  const now = looked.value?.key === key ? looked.value : null;
  const field = (name: 'lat' | 'lon' | 'height', label: string) => (
    <label class="field"><span>{label}</span>
      <input type="text" inputMode="decimal" autocomplete="off" value={g[name]} data-testid={`goto-${name}`}
        aria-invalid={to === null} onInput={(e) => {
          picking.value = null;
          change({ [name]: e.currentTarget.value });
        }} /></label>
  );
  const body = (): OrderInput => ({ kind: 'reposition', to: to! });
  return (
    <section class="goto" ref={form} tabIndex={-1} aria-label={t('goto.title')} data-testid="goto" data-clear={now?.way?.clear ?? ''}>
      <div class="pair">{field('lat', t('goto.lat'))}{field('lon', t('goto.lon'))}</div>
      {flies && (
        <div class="pair">
          {field('height', t('goto.height'))}
          <label class="field"><span>{t('goto.datum')}</span>
            <select value={g.datum} data-testid="goto-datum" onChange={(e) => {
              const datum = e.currentTarget.value === 'amsl' ? 'amsl' : 'takeoff';
              change({ datum, height: heightIn(track, datum) });
            }}>
              <option value="takeoff">{t('goto.takeoff')}</option>
              <option value="amsl">{t('goto.amsl')}</option>
            </select></label>
        </div>
      )}
      <div class="actions">
        <button class="button" type="button" ref={pointer} aria-pressed={pointing} data-testid="goto-point" onClick={() => (pointing ? (picking.value = null) : point())}>{t('goto.point')}</button>
        <button class="button" type="button" data-testid="goto-nudge" aria-describedby={`${hint}-keys`} onKeyDown={(e) => {
          const step = e.shiftKey ? LEAP_M : STEP_M;
          const [north, east] = { ArrowUp: [step, 0], ArrowDown: [-step, 0], ArrowRight: [0, step], ArrowLeft: [0, -step] }[e.key] ?? [];
          if (north === undefined || east === undefined) return;
          e.preventDefault();
          e.stopPropagation();
          picking.value = null;
          nudge(north, east);
        }}>{t('goto.nudge')}</button>
      </div>
      <p class="small muted" id={`${hint}-keys`}>{t('goto.keys', { step: STEP_M, leap: LEAP_M })}</p>
      <div class={now && !now.way?.clear ? 'note' : ''} role="status" data-testid="goto-way">
        {!to ? t('goto.incomplete') : !now ? t('goto.looking') : now.way ? <Found way={now.way} flies={flies} /> : orderProblem(now.failure)}
      </div>
      <div class="actions">
        {now?.way?.clear && <HoldButton name="order-reposition" label={t('order.reposition')} hint={hint} begun={() => attempt(body())} fire={() => {
          give(body());
          endGoTo();
        }} />}
        <button class="button" type="button" data-testid="goto-cancel" onClick={() => endGoTo()}>{t('cancel')}</button>
      </div>
      <p class="small muted" id={hint}>{t('order.hint')}</p>
    </section>
  );
}

const text = (m: number | null | undefined) => (m === null || m === undefined ? '' : m.toFixed(0));
const heightIn = (track: Track, datum: 'takeoff' | 'amsl') => text(datum === 'amsl' ? track.heights.amsl_m : track.heights.takeoff_m);

const CARD_PX = 340;
const NARROW_SHARE = 0.4;
const MARGIN_PX = 40;

/** Moves the map until the vehicle is beside the card, or above it on a narrow page. */
function bringIntoView({ lat, lon }: { lat: number; lon: number }): void {
  const view = liveMap()?.view;
  if (!view) return;
  const { width, height } = view.camera();
  const narrow = window.matchMedia('(max-width: 900px)').matches;
  const [w, h] = narrow ? [width, height * NARROW_SHARE] : [width - CARD_PX, height];
  const at = view.pixelOf([lon, lat]);
  if (at.x > MARGIN_PX && at.x < w - MARGIN_PX && at.y > MARGIN_PX && at.y < h - MARGIN_PX) return;
  view.panBy(at.x - w / 2, at.y - h / 2);
}

/** The button that begins it, or the form. */
export function GoToPart({ track, attempt, give }: { track: Track; attempt: (o: OrderInput) => Promise<boolean>; give: (o: OrderInput) => void }) {
  const opener = useRef<HTMLButtonElement>(null);
  const open = goingTo.value?.id === track.id;
  const was = useRef(open);
  useEffect(() => () => void endGoTo(track.id), [track.id]);
  useEffect(() => {
    if (was.current && !open) opener.current?.focus(); // its own control went with the form
    was.current = open;
  }, [open]);
  if (open) return <Form track={track} attempt={attempt} give={give} />;
  return (
    <button class="button" type="button" ref={opener} data-testid="goto-open" onClick={(e) => {
      const datum = track.heights.takeoff_m === null && track.heights.amsl_m !== null ? 'amsl' : 'takeoff';
      looked.value = null;
      overMap.value = GoToOverlay;
      goingTo.value = {
        id: track.id, lat: track.position?.lat.toFixed(6) ?? '', lon: track.position?.lon.toFixed(6) ?? '', datum, height: heightIn(track, datum),
      };
      if (track.position) bringIntoView(track.position);
      if (e.detail !== 0) point(); // by key, who opens it goes on in the form
    }}>{t('goto.open')}</button>
  );
}
