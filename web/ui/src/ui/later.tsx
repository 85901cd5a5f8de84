// Panels that come as chunks of their own when they are first opened.

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';

export function later(load: () => Promise<ComponentType>): ComponentType {
  let Loaded: ComponentType | null = null;
  let failed = false;
  return function Later() {
    const [, again] = useState(0);
    useEffect(() => {
      if (Loaded) return;
      failed = false;
      load().then((c) => (Loaded = c), () => (failed = true)).finally(() => again((n) => n + 1));
    }, []);
    if (Loaded) return <Loaded />;
    return <p class="empty" role="status">{t(failed ? 'later.failed' : 'card.loading')}</p>;
  };
}
