// The plan that the selected vehicle carries: over the map, in the colour of whether
// it is in step, and as a list in its card.

import { render } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { plans, type Plan, type PlanAnswer, type PlanKind } from '../api/plans';
import { code, t } from '../i18n/later';
import { liveMap } from '../map/current';
import { shapeOfPlan, type At } from '../map/plan-shape';
import { PlanItems } from './plan-file';

const METRES_PER_DEGREE = 111_320;
const pixel = (p: At) => liveMap()?.view.pixelOf([p.lon, p.lat]) ?? null;
const path = (points: readonly At[]) => points.map(pixel).filter((p) => p !== null).map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(' ');

/** The items of the kinds that are known, read again when one is another. */
function useCarried(id: string, items: readonly Plan[]): PlanAnswer[] {
  const [read, setRead] = useState<PlanAnswer[]>([]);
  const wanted = items.filter((p) => p.item_count > 0 && (p.known || p.state === 'uploading'));
  const key = wanted.map((p) => [p.kind, p.state, p.read_at, p.ended_at, p.item_count].join()).join(' ');
  useEffect(() => {
    const stop = new AbortController();
    Promise.all(wanted.map((p) => plans.one(id, p.kind, stop.signal)))
      .then((all) => setRead(all), () => {}); // it is asked anew with the next change; the card says what fails
    return () => stop.abort();
  }, [id, key]);
  return read.filter((r) => r.vehicle_id === id);
}

function Drawn({ of: p }: { of: PlanAnswer }) {
  const kind = p.kind as PlanKind;
  const shape = useMemo(() => shapeOfPlan(kind, p.items ?? []), [p]);
  return (
    <g class={`carried carried-${p.state}`} data-carried={kind} data-state={p.state}>
      {shape.areas.map((a, n) => <polygon key={n} class={a.inside ? 'carried-in' : 'carried-out'} points={path(a.ring)} />)}
      {shape.circles.map((c, n) => {
        const [at, up] = [pixel(c), pixel({ lat: c.lat + c.radiusM / METRES_PER_DEGREE, lon: c.lon })];
        return at && up && <circle key={n} class={c.inside ? 'carried-in' : 'carried-out'} cx={at.x} cy={at.y} r={Math.hypot(at.x - up.x, at.y - up.y)} />;
      })}
      {shape.way.length > 1 && <polyline class="carried-way" points={path(shape.way)} />}
      {shape.points.map((q) => {
        const at = pixel(q);
        return at && (
          <g key={q.n} transform={`translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`}>
            {kind === 'rally' ? <rect class="carried-point" x="-6" y="-6" width="12" height="12" transform="rotate(45)" /> : <circle class="carried-point" r="8" />}
            <text class="carried-number" y="4">{q.n}</text>
          </g>
        );
      })}
    </g>
  );
}

function Overlay({ of: all }: { of: readonly PlanAnswer[] }) {
  const [, draw] = useState('');
  useEffect(() => {
    let frame = 0;
    const look = () => {
      const v = liveMap()?.view;
      if (v) draw(JSON.stringify([v.camera(), v.pixelOf([0, 0])])); // draws only when it changed
      frame = requestAnimationFrame(look);
    };
    frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  }, []);
  const label = all.map((p) => `${code('plan', p.kind)}: ${code('plan.state', p.state)}`).join(', ');
  return (
    <svg class="carried-overlay" role="img" aria-label={t('plan.onMap', { plans: label })} data-testid="carried-overlay">
      {all.map((p) => <Drawn key={p.kind} of={p} />)}
    </svg>
  );
}

/** Draws over the map while it is there; lists the items in the card. */
export function Carried({ id, items }: { id: string; items: readonly Plan[] }) {
  const all = useCarried(id, items);
  const root = useRef<HTMLElement | null>(null);
  useEffect(() => {
    const pane = document.querySelector('.map-pane');
    if (!pane) return;
    const own = document.createElement('div');
    pane.append(own);
    root.current = own;
    return () => {
      render(null, own);
      own.remove();
      root.current = null;
    };
  }, []);
  useEffect(() => {
    if (root.current) render(all.length > 0 ? <Overlay of={all} /> : null, root.current);
  }, [all]);
  if (all.length === 0) return null;
  return (
    <details data-testid="plan-carried">
      <summary>{t('plan.carried')}</summary>
      {all.map((p) => (
        <div key={p.kind}>
          <h4>{code('plan', p.kind)} · {code('plan.state', p.state)}</h4>
          <PlanItems kind={p.kind} items={p.items ?? []} faults={null} />
        </div>
      ))}
    </details>
  );
}
