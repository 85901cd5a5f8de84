// What the map shows: layers, dimming, labels.

import { t } from '../i18n/later';
import { coverageShown } from '../state/view';
import { LAYERS, dimmed, labelLevel, layers, sectorLayer, toggleLayer, type LabelLevel } from '../state/prefs';

export function LayerPanel() {
  return (
    <div class="panel layer-panel" id="layer-panel" role="group" aria-label={t('map.layers')}>
      {LAYERS.map((k) => (
        <label key={k} class="check">
          <input type="checkbox" checked={layers.value[k]} onChange={() => toggleLayer(k)} />{t(`layer.${k}`)}
        </label>
      ))}
      <label class="check">
        <input type="checkbox" checked={coverageShown.value} data-testid="layer-coverage" onChange={() => (coverageShown.value = !coverageShown.value)} />{t('layer.coverage')}
      </label>
      <label class="check">
        <input type="checkbox" checked={sectorLayer.value} data-testid="layer-sectors" onChange={() => (sectorLayer.value = !sectorLayer.value)} />{t('layer.sectors')}
      </label>
      <label class="check">
        <input type="checkbox" checked={dimmed.value} onChange={() => (dimmed.value = !dimmed.value)} />{t('layer.dim')}
      </label>
      <label class="check column">
        {t('key.labels')}
        <select value={labelLevel.value} onChange={(e) => (labelLevel.value = Number(e.currentTarget.value) as LabelLevel)}>
          {([0, 1, 2, 3] as const).map((l) => <option key={l} value={l}>{t(`labels.${l}`)}</option>)}
        </select>
      </label>
    </div>
  );
}
