// Emergency fence on the map: crosshair, then one confirmation. By keyboard the map
// moves under the crosshair and Enter takes its centre.

import { useEffect, useLayoutEffect } from 'preact/hooks';
import { plural, t } from '../i18n/later';
import { liveMap } from '../map/current';
import {
  busy, failure, inside, label, lookInside, minutes, minutesOf, radius, radiusM, setEmergency,
} from '../state/emergency';
import { endEmergency, place, placing, putEmergency } from '../state/modes';
import { Glyph } from './icons';

function centre(): void {
  const view = liveMap()?.view;
  if (!view) return;
  const { width, height } = view.camera();
  putEmergency(view.lonLatAt(width / 2, height / 2));
}

function Crosshair() {
  // Before the next key can come: an effect after the painting would miss it.
  useLayoutEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.key !== 'Enter' || e.ctrlKey || e.metaKey || e.altKey || e.repeat) return;
      e.preventDefault();
      e.stopPropagation();
      centre();
    };
    // Before the control that has the focus: Enter means the place now.
    window.addEventListener('keydown', onKey, true);
    return () => window.removeEventListener('keydown', onKey, true);
  }, []);
  return (
    <>
      <svg class="crosshair" viewBox="0 0 40 40" width="40" height="40" aria-hidden="true"><path d="M20 2v14M20 24v14M2 20h14M24 20h14" /></svg>
      <p class="panel placing" data-testid="emergency-placing">
        <strong>{t('emergency.open')}</strong> {t('emergency.place')}
        <button class="button" type="button" onClick={endEmergency}>{t('cancel')}</button>
      </p>
    </>
  );
}

function Confirm() {
  const at = place.value!;
  useEffect(() => {
    inside.value = null;
    const timer = window.setTimeout(() => void lookInside(), 150);
    return () => window.clearTimeout(timer);
  }, [at, radius.value]);
  const n = inside.value?.breaches;
  const bad = Number.isNaN(radiusM()) || Number.isNaN(minutesOf());
  return (
    <form class="panel emergency" aria-label={t('emergency.open')} data-testid="emergency" noValidate onSubmit={(e) => {
      e.preventDefault();
      void setEmergency();
    }}>
      <header>
        <h2>{t('emergency.open')}</h2>
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={t('cancel')} onClick={endEmergency}><Glyph name="close" /></button>
      </header>
      <div class="card-body">
        <p class="mono">{at[1].toFixed(6)}, {at[0].toFixed(6)}</p>
        <div class="pair">
          <label class="field"><span>{t('emergency.radius')}</span>
            <input type="text" inputMode="decimal" value={radius.value} data-testid="emergency-radius" aria-invalid={Number.isNaN(radiusM())} onInput={(e) => (radius.value = e.currentTarget.value)} /></label>
          <label class="field"><span>{t('emergency.minutes')}</span>
            <input type="text" inputMode="numeric" value={minutes.value} data-testid="emergency-minutes" aria-invalid={Number.isNaN(minutesOf())} onInput={(e) => (minutes.value = e.currentTarget.value)} /></label>
        </div>
        <label class="field"><span>{t('emergency.label')}</span>
          <input type="text" maxLength={120} value={label.value} placeholder={t('emergency.name')} onInput={(e) => (label.value = e.currentTarget.value)} /></label>
        <p class={n ? 'note' : 'muted'} role="status" data-testid="emergency-inside">
          {n === undefined ? t('emergency.looking') : n === 0 ? t('preview.nobody') : plural('emergency.inside', n)}
        </p>
        <p class="muted small">{t('emergency.hint')}</p>
        <p class="error" role="alert">{failure.value}</p>
        <div class="actions">
          <button class="button danger" type="submit" disabled={busy.value || bad} data-testid="emergency-set" ref={(el) => {
            if (el && !el.form!.contains(document.activeElement)) el.focus();
          }}>{t('emergency.set')}</button>
          <button class="button" type="button" onClick={endEmergency}>{t('cancel')}</button>
        </div>
      </div>
    </form>
  );
}

export function Emergency() {
  if (placing.value) return <Crosshair />;
  return place.value ? <Confirm /> : null;
}
