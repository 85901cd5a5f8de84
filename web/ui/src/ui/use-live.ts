// What the server knows of one thing, read when it is first shown and again when the
// live channel says that it changed. Nothing is asked for in between.

import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { onNotice, type Told } from '../state/notices';
import type { Read } from './use-read';

/** After a failure it is asked for again. */
const RETRY_MS = 3_000;

/** One request at a time; what changes meanwhile is asked for after it. */
export function useLive<T>(read: (signal: AbortSignal) => Promise<T>, ...on: Told['t'][]): Read<T> {
  const [state, setState] = useState<Read<T>>({ value: null, error: null });
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    let reading = false;
    let again = false;
    const ask = async () => {
      if (reading) {
        again = true;
        return;
      }
      reading = true;
      window.clearTimeout(timer);
      try {
        const value = await read(stop.signal);
        if (!stop.signal.aborted) setState({ value, error: null });
      } catch (err) {
        if (stop.signal.aborted) return;
        setState((s) => ({ value: s.value, error: err instanceof ApiError ? err : null }));
        timer = window.setTimeout(() => void ask(), RETRY_MS);
      }
      reading = false;
      if (!again) return;
      again = false;
      void ask();
    };
    const off = onNotice((m) => {
      if (m.t === 'welcome' || on.includes(m.t)) void ask();
    });
    void ask();
    return () => {
      off();
      stop.abort();
      window.clearTimeout(timer);
    };
  }, []);
  return state;
}
