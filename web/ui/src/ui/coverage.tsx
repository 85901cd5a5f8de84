// For whom the fences are enforced now, for how long they were not, and when nobody
// supervised.

import { coverageApi, type CoverageReport, type CoverageSum } from '../api/coverage';
import { code, formatNumber, t } from '../i18n/later';
import { coverageShown, deskOpen, select } from '../state/view';
import { Failure, Table } from './account-bits';
import { Time } from './bits';
import { useLive } from './use-live';

type Vehicle = NonNullable<CoverageReport['vehicles']>[number];

const reasonsText = (reasons: readonly string[] | null): string => (reasons ?? []).map((r) => code('enforce', r)).join(', ');

function Row({ of: v }: { of: Vehicle }) {
  const off = v.armed && !v.enforced;
  return (
    <tr data-vehicle={v.vehicle.id} data-enforced={v.enforced}>
      <td class="wrap">
        <button class="link-button" type="button" onClick={() => {
          select(v.vehicle.id);
          deskOpen.value = false;
        }}>{v.vehicle.name || v.vehicle.id}</button>
        <div class="sub">{v.operator}</div>
      </td>
      <td>{t(v.armed ? 'coverage.armed' : 'coverage.disarmed')}</td>
      <td>{off ? <strong class="tag tag-danger">{t('coverage.not')}</strong> : t(v.enforced ? 'coverage.enforced' : 'coverage.wouldNot')}</td>
      <td class="wrap">{reasonsText(v.reasons)}</td>
      <td>{v.fences ? t('coverage.fencesOf', { enforced: v.fences.enforced, apply: v.fences.apply }) : '–'}</td>
      <td><Time at={v.since} /></td>
    </tr>
  );
}

const minutesText = (m: number): string => formatNumber(m, 1);

function SumRow({ of: s, name }: { of: CoverageSum; name: string }) {
  const reasons = Object.entries(s.reasons_min).sort((a, b) => b[1] - a[1]);
  return (
    <tr>
      <td class="wrap">{name}</td>
      <td class="num">{minutesText(s.enforced_min)}</td>
      <td class="num">{minutesText(s.not_enforced_min)}</td>
      <td class="wrap">{reasons.map(([why, min]) => `${code('enforce', why)} ${minutesText(min)}`).join(', ')}</td>
    </tr>
  );
}

function Sums({ r }: { r: CoverageReport }) {
  const heads = (of: string) => [of, t('coverage.minutesOn'), t('coverage.minutesOff'), t('coverage.why')];
  return (
    <>
      <h2>{t('coverage.sums')}</h2>
      <p class="muted"><Time at={r.since} date /> – <Time at={r.until} date /> · <a href={coverageApi.fileUrl()} download>{t('coverage.file')}</a></p>
      <Table label={t('coverage.byOperator')} heads={heads(t('coverage.operator'))}>
        {(r.operators ?? []).map((s) => <SumRow key={s.operator} of={s} name={s.operator || t('unknown')} />)}
      </Table>
      <Table label={t('coverage.byVehicle')} heads={heads(t('coverage.vehicle'))}>
        {(r.sums ?? []).map((s) => <SumRow key={`${s.vehicle_id} ${s.operator}`} of={s} name={s.vehicle_id} />)}
      </Table>
    </>
  );
}

export function CoveragePage() {
  const { value: r, error } = useLive(coverageApi.report, 'coverage');
  if (!r) return error ? <Failure of={error} /> : <p class="muted">{t('card.loading')}</p>;
  const blind = r.blind ?? [];
  return (
    <>
      <h2>{t('coverage.now')}</h2>
      <Failure of={error} />
      <p class={r.not_enforced + r.unverified > 0 ? 'note' : 'muted'} role="status" data-testid="coverage-now">
        {t('coverage.count', { armed: r.armed, off: r.not_enforced, unverified: r.unverified })}
      </p>
      <label class="check">
        <input type="checkbox" checked={coverageShown.value} onChange={() => (coverageShown.value = !coverageShown.value)} />{t('layer.coverage')}
      </label>
      <Table label={t('coverage.now')} heads={[t('coverage.vehicle'), t('coverage.state'), t('coverage.fences'), t('coverage.why'), t('coverage.applies'), t('coverage.since')]}>
        {(r.vehicles ?? []).map((v) => <Row key={v.vehicle.id} of={v} />)}
      </Table>
      <Sums r={r} />
      <h2>{t('coverage.blind')}</h2>
      {blind.length === 0 ? <p class="muted">{t('coverage.neverBlind')}</p> : (
        <ul>{blind.map((b) => (
          <li key={b.from}><Time at={b.from} date /> – <Time at={b.to} date /> · {code('coverage.after', b.after)} · {t('coverage.armedThen', { n: b.armed })}</li>
        ))}</ul>
      )}
    </>
  );
}
