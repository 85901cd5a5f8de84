// The one live region of the page. Critical texts interrupt, others wait their
// turn; at most one announcement in 3 s, what comes meanwhile is summed up.

import { signal } from '@preact/signals';
import { plural } from '../i18n';
import { now } from '../units';

export const announcement = signal<{ text: string; assertive: boolean }>({ text: '', assertive: false });

const EVERY_MS = 3_000;
let lastAt = -Infinity;
let timer = 0;
let waiting: { text: string; assertive: boolean }[] = [];

function flush(): void {
  timer = 0;
  const first = waiting.find((w) => w.assertive) ?? waiting[0];
  if (!first) return;
  const more = waiting.length - 1;
  waiting = [];
  lastAt = now();
  announcement.value = {
    text: more > 0 ? `${first.text}; ${plural('announce.more', more)}` : first.text,
    assertive: first.assertive,
  };
}

export function announce(text: string, assertive = false): void {
  waiting.push({ text, assertive });
  if (timer) return;
  timer = window.setTimeout(flush, Math.max(0, EVERY_MS - (now() - lastAt)));
}
