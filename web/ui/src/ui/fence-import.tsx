// Import: choose a file, read the report, publish what is good.

import { code, plural, t } from '../i18n/later';
import { busy, closeImport, created, failure, file, publishImport, report, tryFile, usable } from '../state/fence-import';
import { Glyph } from './icons';

const SHOWN = 500;

function Report() {
  const r = report.value;
  if (!r) return null;
  const rows = r.report ?? [];
  const good = usable(r);
  return (
    <>
      <p role="status">
        {created.value === null
          ? t('import.summary', { good, refused: rows.length - good })
          : t('import.done', { n: created.value })}
      </p>
      {created.value === null && (
        <div class="actions">
          <button class="button primary" type="button" disabled={busy.value || good === 0} data-testid="import-publish"
            onClick={() => void publishImport()}>{t('import.publish', { n: good })}</button>
        </div>
      )}
      <table class="table" aria-label={t('import.report')} data-testid="import-report">
        <thead><tr><th scope="col">#</th><th scope="col">{t('field.name')}</th><th scope="col">{t('import.result')}</th><th scope="col">{t('import.notes')}</th></tr></thead>
        <tbody>
          {rows.slice(0, SHOWN).map((x) => (
            <tr key={x.index} data-result={x.result}>
              <td class="num">{x.index + 1}</td>
              <td class="wrap">{x.name}</td>
              <td><span class={`tag${x.result === 'refused' ? ' tag-danger' : x.result === 'mended' ? ' tag-warn' : ''}`}>{code('import.result', x.result)}</span></td>
              <td class="wrap">{(x.notes ?? []).join('; ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > SHOWN && <p class="muted">{plural('import.more', rows.length - SHOWN)}</p>}
    </>
  );
}

export function ImportPanel() {
  return (
    <section class="editor" aria-label={t('import.title')} data-testid="import">
      <header>
        <h2>{t('import.title')}</h2>
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={t('close')} onClick={closeImport}><Glyph name="close" /></button>
      </header>
      <div class="editor-body">
        <label class="field">
          <span>{t('import.file')}</span>
          <input type="file" accept=".geojson,.json,.kml" disabled={busy.value} data-testid="import-file"
            onChange={(e) => tryFile(e.currentTarget.files?.[0] ?? null)} />
        </label>
        <p class="muted small">{t('import.hint')}</p>
        {busy.value && <p role="status">{t('import.busy')}</p>}
        <p class="error" role="alert">{failure.value}</p>
        {file.value && <Report />}
      </div>
    </section>
  );
}
