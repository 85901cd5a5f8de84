// The vehicle table: everything that the map shows of vehicles, for the keyboard
// and for screen readers too. Only the rows in sight are in the document.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatNumber, plural, t } from '../i18n/later';
import { UNKNOWN } from '../live/frame';
import { CLASSES, type ClassName } from '../live/fleet';
import { liveMap } from '../map/current';
import { altitudeOf, speedOf, speedText } from '../map/label-text';
import { PHASES, phaseName } from '../map/look';
import { shortAge } from '../state/clock';
import { fleet, vehicleAlerts } from '../state/ops';
import { filter, listsOpen, searchWanted, select, selection, setFilter, sort, toggleFollow, viewHref, type SortKey } from '../state/view';
import { now } from '../units';
import { beat } from './beat';
import { Unverified, arrowKeys } from './bits';
import { ClassIcon, LevelIcon } from './icons';
import { vehicleRows, type VehicleRow } from './vehicle-rows';

const ROW_PX = 38;
const OVERSCAN = 8;

function Filters({ count }: { count: number }) {
  const f = filter.value;
  const search = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (searchWanted.peek()) search.current!.focus();
    searchWanted.value = false;
  }, []);
  const active = f.q !== '' || f.cls !== '' || f.state !== '';
  return (
    <div class="filters">
      <input id="search" type="search" ref={search} value={f.q} placeholder={t('vehicles.search.hint')} aria-label={t('vehicles.search')}
        data-testid="search" onInput={(e) => setFilter({ q: e.currentTarget.value })} />
      <select aria-label={t('vehicles.class')} value={f.cls} onChange={(e) => setFilter({ cls: e.currentTarget.value as '' | ClassName })}>
        <option value="">{t('vehicles.class.all')}</option>
        {CLASSES.map((c) => <option key={c} value={c}>{t(`class.${c}`)}</option>)}
      </select>
      <select aria-label={t('vehicles.state')} value={f.state} onChange={(e) => setFilter({ state: e.currentTarget.value })}>
        <option value="">{t('vehicles.state.all')}</option>
        {(['alarm', 'unverified', 'stale'] as const).map((s) => <option key={s} value={s}>{t(`vehicles.state.${s}`)}</option>)}
        {PHASES.map((p) => <option key={p} value={p}>{t(`phase.${p}`)}</option>)}
      </select>
      <div class="segmented" role="group" aria-label={t('vehicles.scope')}>
        <button type="button" aria-pressed={!f.all} onClick={() => setFilter({ all: false })}>{t('vehicles.inView')}</button>
        <button type="button" aria-pressed={f.all} onClick={() => setFilter({ all: true })}>{t('vehicles.all')}</button>
      </div>
      <span class="muted count">{plural('vehicles', count)}</span>
      {active && <button class="button" type="button" onClick={() => setFilter({ q: '', cls: '', state: '' })}>{t('vehicles.clear')}</button>}
    </div>
  );
}

const columns: { key: SortKey; label: () => string; hint?: () => string; number?: boolean }[] = [
  { key: 'class', label: () => t('col.class') },
  { key: 'name', label: () => t('col.name') },
  { key: 'state', label: () => t('col.state') },
  { key: 'alt', label: () => t('col.alt'), hint: () => t('col.alt.hint'), number: true },
  { key: 'speed', label: () => t('col.speed'), number: true },
  { key: 'batt', label: () => t('col.batt'), number: true },
  { key: 'age', label: () => t('col.age'), hint: () => t('col.age.hint'), number: true },
];

function Head() {
  const s = sort.value;
  const by = (key: SortKey) => (sort.value = { key, down: s.key === key ? !s.down : false });
  return (
    <thead>
      <tr>
        {columns.map((c) => (
          <th key={c.key} scope="col" class={`col-${c.key}${c.number ? ' num' : ''}`} title={c.hint?.()}
            aria-sort={s.key === c.key ? (s.down ? 'descending' : 'ascending') : 'none'}>
            <button type="button" onClick={() => by(c.key)}>
              {c.label()}{s.key === c.key && <span aria-hidden="true">{s.down ? ' ▾' : ' ▴'}</span>}
            </button>
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Row({ row, index }: { row: VehicleRow; index: number }) {
  const { slot, id, state } = row;
  const cls = fleet.className(slot);
  const unverified = fleet.unverified(slot);
  const alt = altitudeOf(slot);
  const age = fleet.age(slot, now());
  const phase = phaseName(fleet.status[slot]!);
  const choose = (add: boolean) => select(id, add);
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== 'Enter' || e.target !== e.currentTarget) return;
    choose(e.shiftKey);
    e.preventDefault();
  };
  const onLink = (e: MouseEvent) => {
    if (e.ctrlKey || e.metaKey || e.button !== 0) return;
    e.preventDefault();
  };
  const operator = fleet.entry(fleet.handle[slot]!)?.org;
  return (
    <tr tabIndex={0} aria-rowindex={index + 2} aria-selected={selection.value.includes(id)} data-vehicle={id}
      class={`vehicle phase-${phase} level-row-${state.level} stale-${state.stale}`}
      onClick={(e) => choose(e.shiftKey)} onDblClick={() => toggleFollow(id)} onKeyDown={onKeyDown}>
      <td class="col-class" title={t(`class.${cls}.long`)}>
        <ClassIcon cls={cls} hollow={unverified} stale={state.stale >= 2} /><span class="visually-hidden">{t(`class.${cls}`)}</span>
      </td>
      <td class="col-name">
        <a href={viewHref(filter.value, [id])} tabIndex={-1} onClick={onLink}>
          {state.level > 0 && <LevelIcon level={state.level} filled={state.unacked} />}{fleet.name(slot)}
        </a>
        <span class="sub">{unverified && <Unverified />}{operator && <span class="muted operator" title={operator}>{operator}</span>}</span>
      </td>
      <td class="col-state">{t(`phase.${phase}`)}</td>
      <td class="num">{alt === null ? '–' : formatNumber(alt)}</td>
      <td class="num">{speedText(cls, speedOf(slot))}</td>
      <td class="num">{fleet.batt[slot]! > 100 || fleet.batt[slot] === UNKNOWN.batt ? '–' : fleet.batt[slot]}</td>
      <td class="num col-age">{Number.isNaN(age) ? '–' : age < 60_000 ? formatNumber(Math.max(0, age) / 1000, 1) : shortAge(age)}</td>
    </tr>
  );
}

export function VehicleTable() {
  void beat.value;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useEffect(() => {
    const el = box.current!;
    const watch = new ResizeObserver(() => setHeight(el.clientHeight));
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  const rows = vehicleRows(fleet, now(), filter.value, liveMap()?.view.box() ?? null, vehicleAlerts.value, sort.value);
  const first = Math.max(0, Math.floor(top / ROW_PX) - OVERSCAN);
  const last = Math.min(rows.length, Math.ceil((top + height) / ROW_PX) + OVERSCAN);
  return (
    <>
      <Filters count={rows.length} />
      <div class="scroll" ref={box} tabIndex={-1} onScroll={(e) => setTop(e.currentTarget.scrollTop)}
        onKeyDown={(e) => arrowKeys(e, 'tbody tr[data-vehicle]')} onClick={() => (listsOpen.value = false)}>
        <table class="table vehicles" role="grid" aria-label={t('vehicles.table')} aria-rowcount={rows.length + 1}>
          <Head />
          <tbody>
            {first > 0 && <tr aria-hidden="true" style={{ height: `${first * ROW_PX}px` }} />}
            {rows.slice(first, last).map((r, i) => <Row key={r.slot} row={r} index={first + i} />)}
            {last < rows.length && <tr aria-hidden="true" style={{ height: `${(rows.length - last) * ROW_PX}px` }} />}
          </tbody>
        </table>
        {rows.length === 0 && <p class="empty">{t('vehicles.none')}</p>}
      </div>
    </>
  );
}
