// Texts that age are drawn again twice a second, never per frame.

import { signal } from '@preact/signals';

export const beat = signal(0);

export function startBeat(): () => void {
  const timer = window.setInterval(() => beat.value++, 500);
  return () => window.clearInterval(timer);
}
