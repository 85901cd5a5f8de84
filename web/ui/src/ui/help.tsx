// Keys, settings, legend: the `?` page.

import { useEffect, useRef } from 'preact/hooks';
import { t, type LaterKey } from '../i18n/later';
import { shortcutsOn } from '../state/prefs';
import { playTone, unlockSound } from '../state/sound';
import { helpOpen } from '../state/view';
import { ClassIcon, Glyph, LevelIcon } from './icons';
import { CLASSES } from '../live/fleet';

const keys: [string, Extract<LaterKey, `key.${string}`>][] = [
  ['/', 'key.search'], ['?', 'key.help'], ['q  e', 'key.zoom'], ['w a s d  ←↑↓→', 'key.pan'], ['h', 'key.home'],
  ['f', 'key.follow'], ['l', 'key.labels'], ['i', 'key.isolate'], ['t', 'key.trails'], ['v', 'key.table'],
  ['b', 'key.dim'], ['n  N', 'key.next'], ['Space', 'key.ack'], ['x', 'key.silence'], ['F', 'key.emergency'], ['Ctrl+Z  Ctrl+Y', 'key.undo'], ['g  Alt', 'key.snap'], ['Enter', 'key.open'], ['Esc', 'key.escape'],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    const d = dialog.current!;
    if (open && !d.open) d.showModal();
    if (!open && d.open) d.close();
  }, [open]);
  const tone = (level: number) => void unlockSound().then(() => playTone(level));
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}
      onClick={(e) => e.target === e.currentTarget && (helpOpen.value = false)}>
      <header>
        <h2 id="help-title">{t('help.title')}</h2>
        <span class="spacer" />
        <button class="button icon-button" type="button" aria-label={t('close')} onClick={() => (helpOpen.value = false)}><Glyph name="close" /></button>
      </header>
      <div class="help-body">
        <section>
          <h3>{t('help.keys')}</h3>
          <dl class="keys">
            {keys.map(([key, text]) => (
              <div key={key}><dt><kbd>{key}</kbd></dt><dd>{t(text)}</dd></div>
            ))}
            <div><dt>{t('key.click')}</dt><dd>{t('key.select')}</dd></div>
          </dl>
        </section>
        <section>
          <h3>{t('help.settings')}</h3>
          <label class="check">
            <input type="checkbox" checked={shortcutsOn.value} onChange={() => (shortcutsOn.value = !shortcutsOn.value)} />
            {t('help.shortcuts')}
          </label>
          <h3>{t('sound.test')}</h3>
          <div class="actions">
            {([2, 3] as const).map((l) => <button key={l} class="button" type="button" onClick={() => tone(l)}>{t(`sound.test.${l}`)}</button>)}
          </div>
          <h3>{t('help.legend')}</h3>
          <ul class="legend">
            {CLASSES.map((c) => <li key={c}><ClassIcon cls={c} />{t(`class.${c}.long`)}</li>)}
            <li><ClassIcon cls="uav" hollow />{t('legend.unverified')}</li>
            <li><ClassIcon cls="uav" stale />{t('legend.stale')}</li>
            {([3, 2, 1] as const).map((l) => <li key={l}><LevelIcon level={l} filled />{t(`legend.ring${l}`)}</li>)}
            <li><span class="swatch swatch-keep_out" />{t('fence.keep_out')}</li>
            <li><span class="swatch swatch-keep_in" />{t('fence.keep_in')}</li>
            <li><span class="swatch swatch-speed_limit" />{t('fence.speed_limit')}</li>
          </ul>
        </section>
      </div>
    </dialog>
  );
}
