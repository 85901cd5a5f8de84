// A button that acts when it is held, see hold.ts.

import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n/later';
import { announce } from '../state/announce';
import { now } from '../units';
import { AGAIN_MS, HOLD_MS, idle, pass, press, release, type Held, type Hold } from './hold';

/** begun: as soon as it is pressed, to ask whether it will do. what: the name of one among many with the same label. */
export function HoldButton({ name, label, what, strong, hint, begun, fire }: {
  name: string; label: string; what?: string; strong?: boolean; hint: string; begun: () => Promise<boolean>; fire: () => void;
}) {
  const [step, show] = useState<Hold['step']>('idle');
  const hold = useRef<Hold>(idle);
  const timer = useRef(0);
  const presses = useRef(0);
  const take = (h: Held) => {
    window.clearTimeout(timer.current);
    if (h.hold.step === 'again' && hold.current.step !== 'again') announce(t('order.again', { order: label }), true);
    hold.current = h.hold;
    show(h.hold.step);
    if (h.hold.step !== 'idle') timer.current = window.setTimeout(() => take(pass(hold.current, now())), h.hold.step === 'holding' ? HOLD_MS : AGAIN_MS + 1);
    if (h.fire) fire();
  };
  const down = (key: boolean) => {
    const before = hold.current.step;
    const h = press(hold.current, now(), key);
    take(h);
    if (h.fire || before === 'holding') return;
    const mine = ++presses.current;
    void begun().then((may) => {
      if (!may && mine === presses.current) take({ hold: idle, fire: false });
    });
  };
  const up = (key: boolean) => take(release(hold.current, now(), key));
  const leave = () => take({ hold: idle, fire: false });
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const isKey = (e: KeyboardEvent) => e.key === 'Enter' || e.key === ' ';
  return (
    <button
      class={`button hold-button is-${step} ${strong ? 'danger' : ''}`} type="button" data-testid={name} aria-describedby={hint} {...(what && step !== 'again' && step !== 'short' && { 'aria-label': what })}
      onPointerDown={(e) => e.button === 0 && down(false)}
      onPointerUp={() => up(false)}
      onPointerLeave={() => hold.current.step === 'holding' && leave()}
      onPointerCancel={leave}
      onContextMenu={(e) => e.preventDefault()}
      onBlur={leave}
      onKeyDown={(e) => {
        if (!isKey(e)) return;
        e.preventDefault();
        e.stopPropagation();
        if (!e.repeat) down(true);
      }}
      onKeyUp={(e) => {
        if (!isKey(e)) return;
        e.preventDefault();
        up(true);
      }}
      // A screen reader's press has neither a pointer nor a key.
      onClick={(e) => {
        if (e.detail !== 0) return;
        down(true);
        up(true);
      }}
    >
      {step === 'again' ? t('order.again', { order: label }) : step === 'short' ? t('order.short', { order: label }) : label}
    </button>
  );
}
