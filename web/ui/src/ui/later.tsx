// Panels that come as chunks of their own: when they are first opened, or once the
// page has nothing else to do, so that they are there when the server is not.

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { needTexts, t, type Part } from '../i18n';
import { leisure } from '../state/leisure';

/** texts: of what the panel says, beside what the page says. */
export function later<P extends object = object>(load: () => Promise<ComponentType<P>>, ...texts: Part[]): ComponentType<P> {
  return comes(load, texts, false);
}

/** Like later, for what is on show from the start: map and alarms come before it. */
export function afterFirstView<P extends object = object>(load: () => Promise<ComponentType<P>>, ...texts: Part[]): ComponentType<P> {
  return comes(load, texts, true);
}

function comes<P extends object>(load: () => Promise<ComponentType<P>>, texts: Part[], waits: boolean): ComponentType<P> {
  let Loaded: ComponentType<P> | null = null;
  let failed = false;
  const bring = () => Promise.all([load(), needTexts(...texts)]).then(([c]) => (Loaded = c), () => (failed = true));
  const atLeisure = leisure.then(bring);
  return function Later(props: P) {
    const [, again] = useState(0);
    const Shown = Loaded;
    useEffect(() => {
      if (Shown) return;
      const retry = failed;
      failed = false;
      // Also when it came between the drawing and this: then it is there at once.
      const here = Loaded ? Promise.resolve() : waits && !retry ? atLeisure : bring();
      void here.finally(() => again((n) => n + 1));
    }, []);
    if (Shown) return <Shown {...props} />;
    return <p class="empty" role="status">{t(failed ? 'later.failed' : 'card.loading')}</p>;
  };
}
