// One application as a department decides about it.

import { useEffect, useState } from 'preact/hooks';
import { reviewsApi, type Application, type Assessment } from '../api/reviews';
import { code, lang, t } from '../i18n/later';
import { organisationName, personName } from '../state/accounts';
import { zoneClock } from '../state/clock';
import type { UnixMs } from '../units';
import { Failure, Heading, Table } from './account-bits';
import { ReviewHalt } from './review-halt';
import { ReviewMap } from './review-map';
import { ReviewSign } from './review-sign';

const clock = (at: string) => zoneClock(Date.parse(at) as UnixMs, true);
const words = (x: { en: string; zh: string }) => (lang.value === 'en' ? x.en : x.zh);

function Checks({ of: a }: { of: Assessment }) {
  const faults = a.faults ?? [];
  return (
    <section class="desk-section wide" aria-label={t('rev.checks')}>
      <h3>{t('rev.checks')}</h3>
      {faults.length === 0 ? <p data-testid="rev-checks-ok">{t('rev.checks.ok')}</p> : (
        <ul data-testid="rev-faults">
          {faults.map((f, i) => (
            <li key={i}>
              <strong>{f.message}</strong> <span class="mono">{f.rule || f.item}</span>
              {(f.metres > 0 || f.minutes > 0) && <> · {t('rev.by', { m: f.metres.toFixed(1), min: f.minutes.toFixed(0) })}</>}
              {f.passes && <> · {t('rev.passes', { what: f.passes })}</>}
            </li>
          ))}
        </ul>
      )}
      <h3>{t('rev.sources')}</h3>
      <ul data-testid="rev-sources">
        {(a.sources ?? []).map((s) => (
          <li key={s.rule}>
            <span class="mono">{s.rule}</span> <span class={s.mark === 'in_force' ? 'tag' : 'tag tag-warn'}>{code('rev.mark', s.mark)}</span>{' '}
            {(s.cites ?? []).map((c) => (c.clause ? t('rev.clause', { title: words(c.title), clause: c.clause }) : words(c.title))).join('; ')}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Members that differ, as short texts. */
function changes(before: Application, now: Application): { field: string; was: string; is: string }[] {
  const flat = (a: Application): Record<string, unknown> => ({ ...a, ...Object.fromEntries(Object.entries(a.items ?? {}).map(([k, v]) => [`items/${k}`, v])), items: undefined });
  const [b, n] = [flat(before), flat(now)];
  const text = (x: unknown) => (x === undefined ? '–' : typeof x === 'string' ? x : JSON.stringify(x).slice(0, 300));
  return [...new Set([...Object.keys(b), ...Object.keys(n)])]
    .filter((k) => JSON.stringify(b[k]) !== JSON.stringify(n[k]))
    .map((field) => ({ field, was: text(b[field]), is: text(n[field]) }));
}

function Said({ of: a }: { of: Assessment }) {
  const all = a.permit.decisions ?? [];
  const app = a.permit.application;
  return (
    <>
      {a.seen && (
        <section class="desk-section wide" data-testid="rev-changed">
          <h3>{t('rev.changed')}</h3>
          <Table label={t('rev.changed')} heads={[t('rev.field'), t('rev.before'), t('rev.after')]}>
            {changes(a.seen.application, app).map((c) => <tr key={c.field} data-field={c.field}><th scope="row">{c.field}</th><td class="wrap">{c.was}</td><td class="wrap">{c.is}</td></tr>)}
          </Table>
        </section>
      )}
      {(a.checklist ?? []).length > 0 && (
        <section class="desk-section wide">
          <h3>{t('rev.checklist')}</h3>
          <dl>
            {(a.checklist ?? []).map((q) => {
              const answer = app.checklist?.[q.id];
              return (
                <div key={q.id}>
                  <dt>{words(q.question)}</dt>
                  <dd>{answer ? <>{answer.text} <span class="muted">{t('rev.evidence', { what: answer.evidence })}</span></> : <strong>{t('rev.answer.none')}</strong>}</dd>
                </div>
              );
            })}
          </dl>
        </section>
      )}
      <section class="desk-section wide">
        <h3>{t('rev.said')}</h3>
        {all.length === 0 ? <p class="muted">{t('rev.said.none')}</p> : (
          <ul data-testid="rev-said">
            {all.map((d, i) => (
              <li key={i} data-department={d.department}>
                {d.department}: <strong>{code('rev.verdict', d.verdict)}</strong> · {personName(d.signer)} · {clock(d.at)}
                {d.reference && <> · {d.reference}</>}{d.reason && <> · {d.reason}</>}
                {Object.entries(d.judgements).map(([k, yes]) => <span key={k}> · {code('rev.judge', k)}: {t(yes ? 'rev.judge.yes' : 'rev.judge.no')}</span>)}
                {d.void && <> · <span class="tag tag-warn">{t('rev.void')}</span></>}
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

export function ReviewCase({ id, back }: { id: string; back: () => void }) {
  const [a, setA] = useState<Assessment | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [stale, setStale] = useState(false);
  const read = () => reviewsApi.assess(id).then((got) => (setA(got), setFailed(null)), setFailed);
  useEffect(() => void read(), [id]);
  /** was: the signature was for a revision that is no longer the one at hand. */
  const again = async (was = false) => {
    await read();
    setStale(was);
  };
  if (!a) return <><button class="button" type="button" onClick={back}>{t('rev.back')}</button><Failure of={failed} /></>;
  const p = a.permit;
  return (
    <>
      <div class="desk-bar"><button class="button" type="button" data-testid="rev-back" onClick={back}>{t('rev.back')}</button></div>
      <Heading>{p.application.title}</Heading>
      <p data-testid="rev-case" data-state={p.state}><strong>{code('rev.state', p.state)}</strong> · {code('rev.kind', p.application.kind)} · {p.step}{p.waits && <> · {p.waits}</>}</p>
      {p.pack_status !== 'in_force' && !p.override && <p class="note" data-testid="rev-pack">{t('rev.pack', { pack: p.pack, status: p.pack_status })}</p>}
      <p>
        {t('rev.holder')}: {organisationName(p.holder)} · {t('rev.time')}: {clock(p.application.from)} – {clock(p.application.to)} · {t('rev.tier')}: {code('rev.tier', p.tier)} · {t('rev.vehicles')}: {(p.application.vehicles ?? []).join(', ')}
      </p>
      <ReviewMap of={a} />
      <Checks of={a} />
      <Said of={a} />
      <Failure of={failed} />
      {stale && <p class="note" role="alert" data-testid="rev-stale">{t('rev.stale')}</p>}
      <ReviewSign key={p.doc_hash + p.rev} of={a} again={again} />
      <ReviewHalt of={a} again={again} />
    </>
  );
}
