// Top bar: zone and its clock, connection, server health, sound, preferences.

import { code, lang, setLang, t } from '../i18n';
import { announce } from '../state/announce';
import { serverTime, shortAge, utcClock, zoneClock, zoneTz } from '../state/clock';
import { closeCode, coverage, degraded, linkState, live, rateReduced, zone } from '../state/ops';
import { theme } from '../state/prefs';
import { actor, signOut } from '../state/session';
import { silence, silencedFor, soundState, unlockSound } from '../state/sound';
import { deskOpen, helpOpen, listsOpen } from '../state/view';
import { since } from '../units';
import { beat } from './beat';
import { Glyph } from './icons';
import { afterFirstView } from './later';

const Bell = afterFirstView(() => import('./bell').then((m) => m.Bell), 'accounts');

export function LangButton() {
  return (
    <button class="button" type="button" title={t('lang.label')} lang={lang.value === 'en' ? 'zh-CN' : 'en'}
      data-testid="lang" onClick={() => void setLang(lang.value === 'en' ? 'zh-CN' : 'en').catch(() => announce(t('later.failed'), true))}>
      {t('lang.switch')}
    </button>
  );
}

export function ThemeButton() {
  const next = { system: 'dark', dark: 'light', light: 'system' } as const;
  return (
    <button class="button icon-button" type="button" title={t(`theme.${theme.value}`)}
      aria-label={`${t('theme.label')}: ${t(`theme.${theme.value}`)}`} data-testid="theme"
      onClick={() => (theme.value = next[theme.value])}>
      <Glyph name="theme" />
    </button>
  );
}

function Clock() {
  void beat.value;
  const at = serverTime();
  if (at === null) return <span class="clock muted">––:––:––</span>;
  const utc = utcClock(at);
  return (
    <time class="clock" dateTime={new Date(at).toISOString()} title={t('clock.zone', { tz: zoneTz.value, utc })}>
      {zoneClock(at)}
    </time>
  );
}

function Connection() {
  void beat.value;
  const s = linkState.value;
  const text = s === 'refused' ? t('link.refused', { code: closeCode.value }) : t(`link.${s}`);
  const c = live();
  const title = c && s !== 'live' ? t('link.age', { age: shortAge(since(c.lastFrameAt)) }) : t('link.label', { state: text });
  return (
    <span class={`link link-${s}`} title={title} data-testid="link" data-state={s}>
      <span class="link-dot" aria-hidden="true" />{text}
      {s === 'live' && rateReduced.value && <span class="tag">{t('link.rate')}</span>}
    </span>
  );
}

function Health() {
  if (!degraded.value) return null;
  const reasons = degraded.value.map((r) => r.text || code('health', r.code)).join('; ');
  return <span class="tag tag-warn" title={t('health.reasons', { reasons })}>{t('health.degraded')}</span>;
}

/** For how many vehicles nobody can act on a breach; a click lists them. */
function NotEnforced() {
  const c = coverage.value;
  const n = c ? c.notEnforced + c.unverified : 0;
  if (!c || n === 0) return null;
  const open = () => void import('../state/accounts').then((m) => {
    m.openPage('coverage');
    deskOpen.value = true;
  }, () => announce(t('later.failed'), true));
  return (
    <button class="button danger" type="button" data-testid="not-enforced" onClick={open}
      title={t('enforced.title', { off: c.notEnforced, armed: c.armed, unverified: c.unverified })}>{t('enforced.not', { n })}</button>
  );
}

function Sound() {
  switch (soundState.value) {
    case 'blocked':
      return (
        <button class="button danger" type="button" data-testid="sound-blocked" onClick={() => void unlockSound()}>
          <Glyph name="mute" />{t('sound.blocked')}
        </button>
      );
    case 'silenced':
      return <span class="tag tag-warn"><Glyph name="mute" />{t('sound.silenced', { seconds: silencedFor.value })}</span>;
    case 'on':
      return (
        <button class="button icon-button" type="button" title={`${t('sound.on')} · ${t('sound.silence')} (x)`}
          aria-label={t('sound.silence')} onClick={silence}>
          <Glyph name="sound" />
        </button>
      );
  }
}

export function TopBar() {
  const z = zone.value;
  return (
    <header class="topbar">
      <button class="button icon-button only-narrow" type="button" aria-label={t('panel.show')} aria-expanded={listsOpen.value}
        onClick={() => (listsOpen.value = !listsOpen.value)}>
        <Glyph name="list" />
      </button>
      <h1 class="brand">testzone</h1>
      {z && <span class="zone-name" title={t('app.zone')}>{z.name}</span>}
      {z?.demo && <span class="tag" title={t('app.demo.hint')}>{t('app.demo')}</span>}
      <Clock />
      <span class="spacer" />
      <NotEnforced />
      <Health />
      <Sound />
      <Connection />
      <Bell />
      <ThemeButton />
      <LangButton />
      <button class="button icon-button" type="button" aria-label={t('help.open')} title={`${t('help.open')} (?)`}
        data-testid="help" onClick={() => (helpOpen.value = true)}>?</button>
      <button class="button icon-button" type="button" aria-label={t('desk.open')} title={t('desk.open')} aria-expanded={deskOpen.value}
        data-testid="desk" onClick={() => (deskOpen.value = !deskOpen.value)}><Glyph name="person" /></button>
      <button class="button" type="button" title={actor.value?.name} onClick={() => void signOut()}>{t('signout')}</button>
    </header>
  );
}
