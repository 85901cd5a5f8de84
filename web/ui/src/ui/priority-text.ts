// A way out of priority traffic in words.

import type { Affected } from '../api/priority';
import { formatNumber, t } from '../i18n/later';

export function exitText({ exit: e }: Affected): string {
  const distance = formatNumber(Math.round(e.distance_m));
  switch (e.kind) {
    case 'hold': return t('prio.exit.hold', { s: Math.round(e.passes_in_s) });
    case 'move': return t('prio.exit.move', { m: distance, deg: Math.round(e.direction_deg) });
    case 'climb': return t('prio.exit.climb', { m: distance });
    case 'descend': return t('prio.exit.descend', { m: distance });
    default: return t('prio.exit.none');
  }
}
