// When the first view of the map stands: what is not needed for it, nor for the
// alarms, is asked for after this.

let begin: () => void;
export const leisure = new Promise<void>((resolve) => (begin = resolve));

/** The first view stands; the rest is asked for once the page has nothing else to do. */
export function firstViewStands(): void {
  // Safari has no idle callback.
  if ('requestIdleCallback' in window) window.requestIdleCallback(begin, { timeout: 1_000 });
  else setTimeout(begin, 500);
}
