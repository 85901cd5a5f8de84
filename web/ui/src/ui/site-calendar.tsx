// A week of one site: a grid of hours, by mouse and by keyboard.

import { useRef, useState } from 'preact/hooks';
import type { Availability, Booking, Site } from '../api/sites';
import { zoneInstant, zoneLocal } from '../fence/schedule';
import { lang, t } from '../i18n/later';
import { zoneTz } from '../state/clock';
import { cellOf, DAYS, midnights, type Cell } from './site-booking';

const HOURS = 24;

const dayName = (at: number) => new Intl.DateTimeFormat(lang.value, { timeZone: zoneTz.value, weekday: 'short', day: 'numeric', month: 'numeric' }).format(at);

function cellText(c: Cell, site: Site): string {
  const said = c.state === 'closed' ? t('site.closed') : c.state === 'full' ? t('site.full') : c.state === 'some' ? t('site.taken', { n: c.units, of: site.capacity }) : t('site.free');
  return c.mine ? `${said}, ${t('site.mine')}` : said;
}

export function Calendar({ site, date, when, own, take }: {
  site: Site; date: string; when: Availability; own: readonly Booking[]; take: (from: number) => void;
}) {
  const [at, setAt] = useState<readonly [number, number]>([8, 0]);
  const table = useRef<HTMLTableElement>(null);
  const days = midnights(date, zoneTz.value);
  const onKeyDown = (e: KeyboardEvent) => {
    const step: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const by = step[e.key];
    if (!by) return;
    e.preventDefault();
    e.stopPropagation();
    const next = [Math.min(HOURS - 1, Math.max(0, at[0] + by[0])), Math.min(DAYS - 1, Math.max(0, at[1] + by[1]))] as const;
    setAt(next);
    table.current?.querySelector<HTMLElement>(`[data-cell="${next[0]}-${next[1]}"]`)?.focus();
  };
  return (
    <div class="desk-table calendar" role="region" aria-label={t('site.calendar', { site: site.name, tz: zoneTz.value })}>
      <table ref={table} role="grid" aria-label={t('site.calendar', { site: site.name, tz: zoneTz.value })} onKeyDown={onKeyDown} data-testid="site-calendar">
        <thead><tr><th scope="col">{t('site.hour')}</th>{days.slice(0, DAYS).map((d) => <th key={d} scope="col">{dayName(d)}</th>)}</tr></thead>
        <tbody>
          {Array.from({ length: HOURS }, (_, h) => (
            <tr key={h}>
              <th scope="row">{String(h).padStart(2, '0')}:00</th>
              {days.slice(0, DAYS).map((midnight, d) => {
                const from = zoneInstant(`${zoneLocal(midnight, zoneTz.value).slice(0, 10)}T${String(h).padStart(2, '0')}:00`, zoneTz.value);
                const c = cellOf({ from, to: from + 3_600_000 }, site, when, own);
                return (
                  <td key={d} role="gridcell" class={`hour is-${c.state}${c.mine ? ' is-mine' : ''}`}>
                    <button type="button" data-cell={`${h}-${d}`} data-state={c.state} tabIndex={h === at[0] && d === at[1] ? 0 : -1}
                      aria-label={`${dayName(midnight)} ${String(h).padStart(2, '0')}:00, ${cellText(c, site)}`}
                      onFocus={() => setAt([h, d])} onClick={() => take(from)}>{c.mine ? '●' : c.state === 'some' ? c.units : c.state === 'full' ? '■' : c.state === 'closed' ? '–' : ''}</button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
