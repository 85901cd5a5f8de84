// What stands about a permit on the applicant's pages and on the card of its vehicle.

import type { Clock, Named, Pack, Permit } from '../api/permits';
import { code, lang, t } from '../i18n/later';
import { serverTime, shortAge, zoneClock } from '../state/clock';
import type { UnixMs } from '../units';

export const clock = (at: string): string => zoneClock(Date.parse(at) as UnixMs, true);
export const nowMs = (): number => serverTime() ?? Date.now();
export const words = (x: { en: string; zh: string }): string => (lang.value === 'en' ? x.en : x.zh);

/** What a source is worth, said plainly where it is not in force. */
export function Mark({ of: n }: { of: Named | undefined }) {
  if (!n?.mark || n.mark === 'in_force') return null;
  return <span class="tag tag-warn" title={t('perm.markHint')}>{code('rev.mark', n.mark)}</span>;
}

export function PackNote({ of: p }: { of: Pick<Pack, 'title' | 'status' | 'id'> }) {
  if (p.status === 'in_force') return <p class="muted">{t('perm.pack', { pack: words(p.title), id: p.id })}</p>;
  return <p class="note" data-testid="perm-pack">{t('perm.packNot', { pack: words(p.title), id: p.id, status: code('perm.status', p.status) })}</p>;
}

export const departmentName = (p: Pack | null, id: string): string => {
  const d = p?.departments?.find((x) => x.id === id);
  return d ? words(d.title) : id;
};
export const clockName = (p: Pack | null, id: string): string => (p?.clocks?.[id] ? words(p.clocks[id]!.title) : id);

/** The deadline that comes next; null: none runs. */
export const nextClock = (p: Pick<Permit, 'clocks'>): Clock | null =>
  (p.clocks ?? []).filter((c) => c.state === 'open' && !c.opens).sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at))[0] ?? null;

export function TimeLeft({ of: c }: { of: Clock }) {
  const left = Date.parse(c.due_at) - nowMs();
  return (
    <>
      {clock(c.due_at)}
      <span class="sub"> {c.state === 'met' ? t('perm.clock.met') : c.opens ? t('perm.clock.opens')
        : c.state === 'missed' || left < 0 ? <strong class="tag tag-warn">{t('rev.overdue')}</strong> : t('rev.left', { time: shortAge(left) })}
      {c.provisional && <> · {t('perm.clock.provisional')}</>}</span>
    </>
  );
}

/** What the applicant has to do now; else what it waits for. */
export function Wanted({ of: p, rules }: { of: Permit; rules: Pack | null }) {
  const waits = (p.asked ?? []).map((d) => departmentName(rules, d)).join(', ');
  switch (p.state) {
    case 'draft': return <strong>{t('perm.want.draft')}</strong>;
    case 'information_requested': return <strong>{t('perm.want.information')}</strong>;
    case 'approved': return <>{p.waits || (p.pack_status !== 'in_force' && !p.override ? t('perm.want.override') : t('perm.want.begins', { at: clock(p.from ?? p.application.from) }))}</>;
    case 'effective': return <>{t('perm.want.until', { at: clock(p.to ?? p.application.to) })}</>;
    case 'submitted': case 'under_review': return <>{t('perm.want.waits', { of: waits || '–' })}</>;
    default: return <>–</>;
  }
}

/** The conditions of an approved permit, in words. */
export function conditionsOf(p: Permit): string[] {
  const c = p.conditions;
  if (!c) return [];
  return [
    ...(p.from && p.to ? [t('perm.cond.time', { from: clock(p.from), to: clock(p.to) })] : []),
    ...(c.vehicles?.length ? [t('perm.cond.vehicles', { of: c.vehicles.join(', ') })] : []),
    ...(c.ceiling ? [t('perm.cond.ceiling', { m: String(c.ceiling.m), datum: code('perm.datum', c.ceiling.datum) })] : []),
    ...(c.speed_mps || p.application.speed_mps ? [t('perm.cond.speed', { n: String(c.speed_mps || p.application.speed_mps) })] : []),
    ...(c.observer ? [t('perm.cond.observer')] : []),
    ...(c.notes ?? []),
  ];
}
