// Versions of a fence: list, difference with the newest one (on the map too), restore.

import { signal } from '@preact/signals';
import { code, t } from '../i18n/later';
import { mayWrite } from '../state/modes';
import { busy, chosen, closeVersions, failure, restore, versions, versionsOf } from '../state/fence-versions';
import { shapeBox } from '../fence/measure';
import { shapeOf } from '../fence/shape';
import { liveMap } from '../map/current';
import type { FenceVersion } from '../api/types';
import { Time, arrowKeys } from './bits';
import { DifferenceTable } from './fence-difference';
import { Glyph } from './icons';

const sure = signal<number | null>(null);

function choose(v: FenceVersion): void {
  chosen.value = v.rev;
  sure.value = null;
  const boxes = [v, versions.peek()![0]!].flatMap((x) => shapeOf(x.fence) ?? []).flatMap((s) => [shapeBox(s)]).filter((b) => b !== null);
  if (boxes.length === 0) return;
  const side = (i: number, of: (...v: number[]) => number) => of(...boxes.map((b) => b[i]!));
  liveMap()?.view.fit([side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)]);
}

function Chosen({ v, newest }: { v: FenceVersion; newest: FenceVersion }) {
  const same = v.rev === newest.rev;
  return (
    <section class="version" aria-label={t('versions.compare', { rev: v.rev })}>
      {same
        ? <p class="muted">{t(v.deleted ? 'versions.isDeleted' : 'versions.isNewest')}</p>
        : <DifferenceTable before={v.fence} after={newest.fence} beforeLabel={t('versions.rev', { rev: v.rev })} afterLabel={t('versions.rev', { rev: newest.rev })} />}
      {!same && newest.deleted && <p class="note">{t('versions.isDeleted')}</p>}
      {!same && !v.deleted && mayWrite.value && (sure.value === v.rev ? (
        <div class="note" role="group" aria-label={t('versions.restore', { rev: v.rev })}>
          <p>{t('versions.sure', { rev: v.rev, next: newest.rev + 1 })}</p>
          <div class="actions">
            <button class="button danger" type="button" disabled={busy.value} ref={(el) => el?.focus()} data-testid="version-restore-confirm"
              onClick={() => void restore(v.rev)}>{t('versions.confirm')}</button>
            <button class="button" type="button" onClick={() => (sure.value = null)}>{t('cancel')}</button>
          </div>
        </div>
      ) : (
        <button class="button" type="button" data-testid="version-restore" onClick={() => (sure.value = v.rev)}>{t('versions.restore', { rev: v.rev })}</button>
      ))}
    </section>
  );
}

export function VersionsPanel() {
  const of = versionsOf.value!;
  const list = versions.value;
  const newest = list?.[0];
  const open = list?.find((v) => v.rev === chosen.value);
  return (
    <section class="editor" aria-label={t('versions.title', { name: of.name })} data-testid="versions">
      <header>
        <h2>{t('versions.title', { name: of.name })}</h2>
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={t('close')} onClick={closeVersions}><Glyph name="close" /></button>
      </header>
      <div class="editor-body">
        <p class="error" role="alert">{failure.value}</p>
        {!list && !failure.value && <p class="muted">{t('card.loading')}</p>}
        {list && (
          <div onKeyDown={(e) => arrowKeys(e, 'tbody tr')}>
            <table class="table" role="grid" aria-label={t('versions.open')}>
              <thead><tr><th scope="col">{t('fences.revision')}</th><th scope="col">{t('versions.at')}</th><th scope="col">{t('versions.by')}</th></tr></thead>
              <tbody>
                {list.map((v) => (
                  <tr key={v.rev} tabIndex={0} aria-selected={chosen.value === v.rev} data-rev={v.rev} onClick={() => choose(v)}
                    onKeyDown={(e) => e.key === 'Enter' && choose(v)}>
                    <td>{v.rev} {v.deleted && <span class="tag">{t('versions.deleted')}</span>}</td>
                    <td><Time at={v.at} date /></td>
                    <td class="wrap">{v.by} <span class="sub muted">{v.fence ? code('fence', v.fence.kind) : ''}</span></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {open && newest && <Chosen key={open.rev} v={open} newest={newest} />}
      </div>
    </section>
  );
}
