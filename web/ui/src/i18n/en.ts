// Every text of the page in English. The keys are the contract: zh.ts must have
// exactly these, and `{name}` in a text is a parameter that callers must give.

import { enAlerts } from './en-alerts';

export const en = {
  ...enAlerts,

  'app.title': 'testzone · live',
  'app.skip': 'Skip to alerts',
  'app.zone': 'Zone',
  'app.demo': 'DEMO',
  'app.demo.hint': 'Synthetic zone with simulated vehicles',
  'app.loadFailed': 'The page could not load the zone: {detail}',
  'app.retry': 'Try again',

  'signin.lead': 'Operations of the test zone',
  'signin.token': 'Access token',
  'signin.hint': 'Paste the token that the server printed at its first start, or one you were given.',
  'signin.submit': 'Sign in and enable sound',
  'signin.busy': 'Signing in…',
  'signin.bad': 'The token, or login name and password, is not valid.',
  'signin.login': 'Login name',
  'signin.password': 'Password',
  'signin.byToken': 'Sign in with a token',
  'signin.byPassword': 'Sign in with a password',
  'signin.provider': 'Sign in with {name}',
  'signin.rate': 'Too many attempts. Try again in {seconds} s.',
  'signin.network': 'The server cannot be reached.',
  'signin.error': 'Sign-in failed ({code}).',
  'signin.expired': 'Your session has ended. Sign in again.',
  'signout': 'Sign out',
  'desk.open': 'Vehicles, accounts, audit',

  'link.connecting': 'Connecting',
  'link.live': 'Live',
  'link.stale': 'No data',
  'link.waiting': 'Reconnecting',
  'link.signed_out': 'Signed out',
  'link.refused': 'Refused ({code})',
  'link.rate': 'Rate reduced',
  'link.label': 'Connection: {state}',
  'link.age': 'Last data {age} ago',
  'banner.stopped': 'LIVE DATA STOPPED {time}',
  'banner.detail': 'What you see is the last known state, not the present one.',
  'health.degraded': 'DEGRADED',
  'health.reasons': 'Server degraded: {reasons}',

  'clock.zone': 'Zone time {tz}; UTC {utc}',
  'theme.label': 'Colour theme',
  'theme.system': 'Theme: system',
  'theme.dark': 'Theme: dark',
  'theme.light': 'Theme: light',
  'lang.switch': '中文',
  'lang.label': 'Switch language to Chinese',
  'help.open': 'Keys and settings',
  'close': 'Close',
  'panel.show': 'Lists',

  'tabs.label': 'Lists',

  'col.name': 'Vehicle',

  'class.uav': 'UAV',
  'class.icv': 'ICV',
  'class.usv': 'USV',
  'class.unknown': 'Other',
  'class.aircraft': 'Aircraft',
  'class.vessel': 'Ship',

  'unverified': 'UNVERIFIED',
  'unverified.hint': 'The source is not authenticated: fence-checked, never commanded.',

  'card.loading': 'Loading…',
  'unknown': 'unknown',
  'none': 'none',

  'fence.keep_out': 'Keep out',
  'fence.keep_in': 'Keep in',

  'map.label': 'Map of the zone',
  'map.layers': 'Layers',
  'map.zoomIn': 'Zoom in',
  'map.zoomOut': 'Zoom out',
  'map.home': 'Whole zone',
  'map.noWebgl': 'Simplified drawing: this browser offers no WebGL2.',
  'map.overflow': '{n} vehicles are not drawn.',
  'map.following': 'Following {name}',
  'map.isolated': 'Only the selection is shown',
  'map.filtered': 'Filter hides {n}',

  'later.failed': 'This part of the page could not be loaded. Load the page again.',
  'cancel': 'Cancel',
  'fence.speed_limit': 'Speed limit',
} as const;
