// The deleted fences: who took them away and when; from here to their versions.

import { useEffect } from 'preact/hooks';
import { code, t } from '../i18n/later';
import { colleagueName } from '../state/names';
import { closeDeleted, deleted, failure, openDeleted } from '../state/fence-deleted';
import { openVersions } from '../state/fence-versions';
import { Time, arrowKeys } from './bits';
import { Glyph } from './icons';

export function DeletedPanel() {
  // Also after the versions of one of them were shown: it may be back.
  useEffect(() => void openDeleted(), []);
  const list = deleted.value;
  return (
    <section class="editor" aria-label={t('deleted.title')} data-testid="deleted">
      <header>
        <h2>{t('deleted.title')}</h2>
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={t('close')} onClick={closeDeleted}><Glyph name="close" /></button>
      </header>
      <div class="editor-body">
        <p class="error" role="alert">{failure.value}</p>
        {!list && !failure.value && <p class="muted">{t('card.loading')}</p>}
        {list?.length === 0 && <p class="empty">{t('deleted.none')}</p>}
        {list && list.length > 0 && (
          <div onKeyDown={(e) => arrowKeys(e, 'tbody tr')}>
            <p class="muted small">{t('deleted.hint')}</p>
            <table class="table" role="grid" aria-label={t('deleted.title')}>
              <thead><tr>{(['fences.col.name', 'versions.at', 'versions.by'] as const).map((k) => <th key={k} scope="col">{t(k)}</th>)}</tr></thead>
              <tbody>
                {list.map((f) => (
                  <tr key={f.id} tabIndex={0} data-deleted={f.id} onClick={() => openVersions(f)} onKeyDown={(e) => e.key === 'Enter' && openVersions(f)}>
                    <td class="wrap">{f.name} <span class="sub muted">{code('fence', f.kind)}</span></td>
                    <td><Time at={f.updated_at} date /></td>
                    <td class="wrap">{colleagueName(f.updated_by)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </section>
  );
}
