// When the fence is in force: always, in windows, on weekdays; by the clock of the
// zone or by the sun.

import type { ComponentChildren } from 'preact';
import { DAYS, workdays, zoneLocal, type Day, type EdgeForm, type EdgeBase, type Holidays, type ScheduleForm, type WeeklyForm } from '../fence/schedule';
import { t } from '../i18n/later';
import { serverTime, zoneTz } from '../state/clock';
import { Glyph } from './icons';

type Change = (c: Partial<ScheduleForm>) => void;
const replaced = <T,>(list: readonly T[], i: number, v: T): T[] => list.map((x, k) => (k === i ? v : x));
const without = <T,>(list: readonly T[], i: number): T[] => list.filter((_, k) => k !== i);

function Remove({ label, onClick }: { label: string; onClick: () => void }) {
  return <button class="button icon-button" type="button" aria-label={label} title={label} onClick={onClick}><Glyph name="close" /></button>;
}

function addWindow(s: ScheduleForm, change: Change): void {
  const tz = zoneTz.peek();
  const hour = Math.ceil((serverTime() ?? Date.now()) / 3_600_000) * 3_600_000;
  change({ windows: [...s.windows, { from: zoneLocal(hour, tz), to: zoneLocal(hour + 3_600_000, tz) }] });
}

function Windows({ windows, change }: { windows: ScheduleForm['windows']; change: Change }) {
  return (
    <>
      {windows.map((w, i) => (
        <div key={i} class="entry" role="group" aria-label={`${t('schedule.window')} ${i + 1}`}>
          {(['from', 'to'] as const).map((k) => (
            <label key={k} class="field">
              <span>{t(`schedule.${k}`)}</span>
              <input type="datetime-local" value={w[k]} data-testid={`window-${i}-${k}`} onInput={(e) => change({ windows: replaced(windows, i, { ...w, [k]: e.currentTarget.value }) })} />
            </label>
          ))}
          <Remove label={t('schedule.remove', { what: `${t('schedule.window')} ${i + 1}` })} onClick={() => change({ windows: without(windows, i) })} />
        </div>
      ))}
    </>
  );
}

function EdgeFields({ label, edge, set }: { label: string; edge: EdgeForm; set: (e: EdgeForm) => void }) {
  return (
    <div class="pair edge">
      <label class="field">
        <span>{label}</span>
        <select value={edge.base} onChange={(e) => set({ ...edge, base: e.currentTarget.value as EdgeBase })}>
          {(['clock', 'sunrise', 'sunset'] as const).map((b) => <option key={b} value={b}>{t(`edge.${b}`)}</option>)}
        </select>
      </label>
      {edge.base === 'clock' ? (
        <label class="field">
          <span>{t('schedule.time', { edge: label })}</span>
          <input type="text" inputMode="numeric" placeholder="08:00" value={edge.time} onInput={(e) => set({ ...edge, time: e.currentTarget.value })} />
        </label>
      ) : (
        <label class="field">
          <span>{t('schedule.minutes', { edge: label })}</span>
          <input type="number" min={-720} max={720} value={edge.minutes} onInput={(e) => set({ ...edge, minutes: e.currentTarget.value })} />
        </label>
      )}
    </div>
  );
}

function Week({ w, i, set, remove }: { w: WeeklyForm; i: number; set: (w: WeeklyForm) => void; remove: () => void }) {
  const toggle = (d: Day) => set({ ...w, days: w.days.includes(d) ? w.days.filter((x) => x !== d) : [...w.days, d] });
  const name = `${t('schedule.week')} ${i + 1}`;
  return (
    <div class="entry entry-week" role="group" aria-label={name}>
      <div class="days">
        {DAYS.map((d) => (
          <button key={d} class="button day" type="button" aria-pressed={w.days.includes(d)} aria-label={`${t(`day.${d}`)} (${t(`day.long.${d}`)})`} onClick={() => toggle(d)}>{t(`day.${d}`)}</button>
        ))}
        <span class="spacer" />
        <Remove label={t('schedule.remove', { what: name })} onClick={remove} />
      </div>
      <EdgeFields label={t('schedule.from')} edge={w.from} set={(from) => set({ ...w, from })} />
      <EdgeFields label={t('schedule.to')} edge={w.to} set={(to) => set({ ...w, to })} />
    </div>
  );
}

export function ScheduleFields({ value: s, set, children }: { value: ScheduleForm; set: (s: ScheduleForm) => void; children?: ComponentChildren }) {
  const change: Change = (c) => set({ ...s, ...c });
  return (
    <fieldset>
      <legend>{t('field.schedule')}</legend>
      <label class="check">
        <input type="checkbox" checked={s.always} data-testid="schedule-always" onChange={() => change({ always: !s.always })} />{t('schedule.always')}
      </label>
      {!s.always && (
        <>
          <p class="muted small">{t('schedule.hint', { tz: zoneTz.value })}</p>
          <Windows windows={s.windows} change={change} />
          {s.weekly.map((w, i) => <Week key={i} w={w} i={i} set={(v) => change({ weekly: replaced(s.weekly, i, v) })} remove={() => change({ weekly: without(s.weekly, i) })} />)}
          <div class="tool-row">
            <button class="button" type="button" data-testid="add-window" onClick={() => addWindow(s, change)}>{t('schedule.addWindow')}</button>
            <button class="button" type="button" data-testid="add-week" onClick={() => change({ weekly: [...s.weekly, workdays] })}>{t('schedule.addWeek')}</button>
          </div>
          {s.weekly.length > 0 && (
            <label class="field">
              <span>{t('schedule.holidays')}</span>
              <select value={s.holidays} onChange={(e) => change({ holidays: e.currentTarget.value as Holidays })}>
                {(['as_days', 'except', 'only'] as const).map((h) => <option key={h} value={h}>{t(`holidays.${h}`)}</option>)}
              </select>
            </label>
          )}
        </>
      )}
      {children}
    </fieldset>
  );
}
