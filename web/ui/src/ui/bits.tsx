// Pieces that several panels use.

import type { ComponentChildren } from 'preact';
import { parseTime, utcClock, zoneClock } from '../state/clock';
import { t } from '../i18n';

/** A time of the zone, with UTC on hover. */
export function Time({ at, date }: { at: string | null | undefined; date?: boolean }) {
  if (!at) return <>{t('unknown')}</>;
  const ms = parseTime(at);
  if (Number.isNaN(ms)) return <>{at}</>;
  return <time dateTime={at} title={utcClock(ms)}>{zoneClock(ms, date)}</time>;
}

export function Unverified() {
  return <span class="tag tag-unverified" title={t('unverified.hint')}>{t('unverified')}</span>;
}

export function Row({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** Moves focus among the rows of a list or table with the arrow keys. */
export function arrowKeys(e: KeyboardEvent, selector: string): void {
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[e.key];
  if (step === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
  const root = e.currentTarget as HTMLElement;
  const rows = [...root.querySelectorAll<HTMLElement>(selector)];
  const at = rows.findIndex((r) => r.contains(document.activeElement));
  const to = Math.min(rows.length - 1, Math.max(0, at + step));
  rows[to]?.focus();
  e.preventDefault();
  e.stopPropagation();
}
