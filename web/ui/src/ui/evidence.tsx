// What a judgement rests on: of an alert, of a crossing, of a vehicle now.

import type { Alert, Grounds, Track } from '../api/types';
import { code, formatNumber, t } from '../i18n/later';
import { Row, Time } from './bits';

export const jumpText = (j: { distance_m: number; dt_s: number }): string =>
  t('jump.value', { distance: formatNumber(j.distance_m), seconds: formatNumber(j.dt_s, 1) });

export function GroundsRows({ g }: { g: Grounds | null | undefined }) {
  if (!g) return null;
  const lacks = g.lacks ?? [];
  return (
    <>
      <Row label={t('grounds.title')}>
        {t('grounds.value', { fixes: g.fixes, quality: code('quality', g.quality), age: formatNumber(g.age_s, 1) })}
      </Row>
      <Row label={t('grounds.order')}>
        {lacks.length === 0 ? t('grounds.suffices') : lacks.map((l) => code('lack', l)).join(', ')}
      </Row>
    </>
  );
}

/** How an alert came to stand for so many crossings, and whether it may be acted on. */
export function AlertEvidenceRows({ a }: { a: Alert }) {
  const breach = a.type === 'fence_breach' || a.type === 'over_speed';
  return (
    <>
      {a.jump && <Row label={t('alert.field.jump')}>{jumpText(a.jump)}</Row>}
      {a.separation?.height_unknown && <Row label={t('traffic.height')}>{t('alert.height.unknown')}</Row>}
      {(a.separation?.height_off_m ?? 0) > 0 && <Row label={t('traffic.height')}>{t('alert.height.off', { off: formatNumber(a.separation!.height_off_m!) })}</Row>}
      {a.mismatch && (
        <Row label={t('alert.field.mismatch')}>
          {a.mismatch.what === 'position' ? t('alert.mismatch.apart', { distance: formatNumber(a.mismatch.distance_m ?? 0) })
            : t('alert.mismatch', { what: code('mismatch', a.mismatch.what), expected: a.mismatch.expected ?? '', seen: a.mismatch.seen ?? '' })}
        </Row>
      )}
      {a.area && (
        <Row label={t('alert.field.area')}>
          {t('alert.area', { count: a.area.count, radius: formatNumber(a.area.radius_m / 1000) })}
          <ul class="plain">
            {(a.area.vehicles ?? []).map((v) => <li key={v.id}>{v.name || v.id}: {(v.signs ?? []).map((s) => code('sign', s)).join(', ')}</li>)}
          </ul>
        </Row>
      )}
      {a.why && <Row label={t('alert.field.why')}>{a.why}</Row>}
      {a.under && <Row label={t('alert.field.under')}>{t('alert.type.gnss_interference')}</Row>}
      {a.transitions > 0 && <Row label={t('alert.field.transitions')}>{a.transitions}</Row>}
      {breach && (
        <Row label={t('alert.field.confirmed')}>{a.confirmed_at ? <Time at={a.confirmed_at} date /> : t('alert.confirmed.no')}</Row>
      )}
    </>
  );
}

/** The fences of a vehicle that are not enforced, each with its reasons. */
export function FencesEnforced({ track }: { track: Track }) {
  const f = track.enforcement.fences;
  if (!f || f.apply === 0) return null;
  const off = f.not_enforced ?? [];
  // What concerns the vehicle stands above; here stands what a fence has besides.
  const own = off.filter((u) => u.reasons?.includes('altitude_unknown'));
  const more = off.length < f.apply - f.enforced ? f.apply - f.enforced - off.length : 0;
  return (
    <span class="enforced-fences" data-testid="enforced-fences">
      {t('enforce.fences', { enforced: f.enforced, apply: f.apply })}
      {own.map((u) => (
        <span key={u.fence_id} class="sub">
          {t('enforce.fence', { fence: u.fence_name || u.fence_id, reasons: code('enforce', 'altitude_unknown') })}
        </span>
      ))}
      {own.length > 0 && more > 0 && <span class="sub">{t('enforce.more', { n: more })}</span>}
    </span>
  );
}
