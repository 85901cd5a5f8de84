import { useEffect } from 'preact/hooks';
import { t } from '../i18n';
import { announcement } from '../state/announce';
import { zoneClock } from '../state/clock';
import { loadError, openZone, stoppedAt, zone } from '../state/ops';
import { actor, phase } from '../state/session';
import { startSound } from '../state/sound';
import { deskOpen, helpOpen, listsOpen, selection } from '../state/view';
import type { UnixMs } from '../units';
import { AlertStrip } from './alert-strip';
import { startBeat } from './beat';
import { bindKeyboard } from './key-actions';
import { afterFirstView, later } from './later';
import { MapPane } from './map-pane';
import { SignIn } from './signin';
import { TopBar } from './topbar';

const Lists = afterFirstView(() => import('./lists').then((m) => m.Lists), 'list');
const Help = later(() => import('./help').then((m) => m.Help), 'panels', 'list');
const Desk = later(() => import('./desk').then((m) => m.Desk), 'accounts');
const FirstPassword = later(() => import('./account-password').then((m) => m.FirstPassword), 'accounts');

/** LIVE DATA STOPPED: cannot be dismissed. */
function Banner() {
  if (stoppedAt.value === null) return null;
  return (
    <div class="banner" data-testid="banner">
      <strong>{t('banner.stopped', { time: zoneClock(stoppedAt.value as UnixMs) })}</strong> {t('banner.detail')}
    </div>
  );
}

/** The one live region of the page. */
function Announcer() {
  const { text, assertive } = announcement.value;
  return <div class="visually-hidden" aria-live={assertive ? 'assertive' : 'polite'} aria-atomic="true">{text}</div>;
}

function Live() {
  useEffect(() => {
    let stop = () => {};
    let ended = false;
    void openZone().then((s) => (ended ? s() : (stop = s)));
    const stops = [startSound(), startBeat(), bindKeyboard()];
    return () => {
      ended = true;
      stop();
      for (const s of stops) s();
    };
  }, []);
  if (loadError.value !== null) {
    return (
      <main class="signin">
        <div class="signin-box">
          <p class="error">{t('app.loadFailed', { detail: loadError.value })}</p>
          <button class="button primary" type="button" onClick={() => location.reload()}>{t('app.retry')}</button>
        </div>
      </main>
    );
  }
  return (
    <div class={`live${stoppedAt.value === null ? '' : ' is-stopped'}${listsOpen.value ? ' lists-open' : ''}`}>
      <a class="skip" href="#alerts">{t('app.skip')}</a>
      {selection.value.length > 0 && <a class="skip" href="#side" data-testid="skip-card">{t('app.skipCard')}</a>}
      <TopBar />
      <Banner />
      <main class="work">
        <aside class="lists" aria-label={t('tabs.label')}><Lists /></aside>
        {zone.value ? <MapPane zone={zone.value} /> : <div class="map-pane" />}
        {deskOpen.value && <Desk />}
        <AlertStrip />
      </main>
      {helpOpen.value && <Help />}
      <Announcer />
    </div>
  );
}

export function App() {
  if (phase.value === 'boot') return null;
  if (phase.value === 'signed_out') return <SignIn />;
  return actor.value?.must_change_password ? <FirstPassword /> : <Live />;
}
