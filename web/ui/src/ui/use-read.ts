// What the server knows of one thing, read again each second while it is shown.

import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client';

const REFRESH_MS = 1_000;

export interface Read<T> { value: T | null; error: ApiError | null }

/** One request at a time. */
export function useRead<T>(id: string, read: (id: string, signal: AbortSignal) => Promise<T>): Read<T> {
  const [state, setState] = useState<Read<T>>({ value: null, error: null });
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const again = async () => {
      try {
        const value = await read(id, stop.signal);
        if (!stop.signal.aborted) setState({ value, error: null });
      } catch (err) {
        if (stop.signal.aborted) return;
        setState((s) => ({ value: s.value, error: err instanceof ApiError ? err : null }));
      }
      timer = window.setTimeout(() => void again(), REFRESH_MS);
    };
    setState({ value: null, error: null });
    void again();
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [id]);
  return state;
}
