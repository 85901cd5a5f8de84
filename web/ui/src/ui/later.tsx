// Panels that come as chunks of their own: when they are first opened, or once the
// page has nothing else to do, so that they are there when the server is not.

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { needTexts, t, type Part } from '../i18n';

const waiting: (() => void)[] = [];
let idle = false;

/** Loads every panel that is known now, and those of these panels. */
function loadAll(): void {
  idle = true;
  for (const load of waiting.splice(0)) load();
}

/** Calls for the other chunks when the first view stands. */
export function loadWhenIdle(): void {
  // Safari has no idle callback.
  if ('requestIdleCallback' in window) window.requestIdleCallback(loadAll, { timeout: 10_000 });
  else setTimeout(loadAll, 5_000);
}

/** texts: of what the panel says, beside what the page says. */
export function later<P extends object = object>(load: () => Promise<ComponentType<P>>, ...texts: Part[]): ComponentType<P> {
  let Loaded: ComponentType<P> | null = null;
  let failed = false;
  const bring = () => Promise.all([load(), needTexts(...texts)]).then(([c]) => (Loaded = c), () => (failed = true));
  if (idle) void bring();
  else waiting.push(() => void bring());
  return function Later(props: P) {
    const [, again] = useState(0);
    const Shown = Loaded;
    useEffect(() => {
      if (Shown) return;
      failed = false;
      // Also when it came between the drawing and this: then it is there at once.
      void (Loaded ? Promise.resolve() : bring()).finally(() => again((n) => n + 1));
    }, []);
    if (Shown) return <Shown {...props} />;
    return <p class="empty" role="status">{t(failed ? 'later.failed' : 'card.loading')}</p>;
  };
}
