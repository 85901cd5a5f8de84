// What the pages of vehicles and gateways show, and who may change what of it.

import { computed, effect, signal } from '@preact/signals';
import { register, type Gateway, type Listener, type RegisteredVehicle, type VehicleKey } from '../api/register';
import { listing, may, organisations, type Listing } from './accounts';
import { actor } from './session';

/** Those too that were withdrawn, and gateways that have retired. */
export const ended = signal(false);
export const registered: Listing<RegisteredVehicle> = listing(() => register.vehicles(ended.peek()));
export const gateways: Listing<Gateway> = listing(() => register.gateways(ended.peek()));
const listeners: Listing<Listener> = listing(register.listeners);

export const mayRegister = computed(() => may('vehicle.register'));
const mayControl = computed(() => may('zone.control'));
export const seesKeys = computed(() => mayRegister.value || mayControl.value);

/** Whether it belongs to those for whom the session may register; the server holds the rule. */
const own = (operator: string): boolean => mayRegister.value && ['', operator].includes(actor.value?.organisation ?? operator);
export const mayKey = (v: RegisteredVehicle): boolean => own(v.operator) && v.state === 'registered';
export const mayEdit = (v: RegisteredVehicle): boolean => mayKey(v) && v.origin === 'enrolled';
export const mayRevoke = (operator: string): boolean => mayControl.value || own(operator);
export const mayEditGateway = (g: Gateway): boolean => own(g.operator) && g.state === 'enrolled';

/** The organisations that may have vehicles and that the session may register for. */
export const operators = computed(() =>
  (organisations.items.value ?? []).filter((o) => !o.disabled && (o.kind === 'operator' || o.kind === 'sandbox') && own(o.id)));
/** Of whom registers for one alone: that one. */
export const onlyOperator = (): string => (operators.value.length === 1 ? operators.value[0]!.id : '');
export const signedListeners = computed(() => (listeners.items.value ?? []).filter((l) => l.signed).map((l) => l.name));

/** Of the vehicles that are shown, by id. */
export const keysOf = signal<ReadonlyMap<string, readonly VehicleKey[]>>(new Map());
const CALLS = 4; // at once

/** The list of vehicles says nothing of their keys: each is asked for, those that are shown alone. */
export async function loadKeys(ids: readonly string[]): Promise<void> {
  const left = [...ids];
  const got = new Map<string, readonly VehicleKey[]>();
  const ask = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) got.set(id, await register.keys(id));
  };
  const asked = actor.peek()?.id;
  // Of which none are known nothing is shown; the page of the vehicle says why.
  await Promise.allSettled(Array.from({ length: CALLS }, ask));
  if (actor.peek()?.id === asked) keysOf.value = new Map([...keysOf.peek(), ...got]);
}

export function loadRegister(): void {
  void registered.load();
  if (seesKeys.value) void gateways.load();
  if (mayRegister.value) void listeners.load();
}

effect(() => {
  void actor.value?.id;
  for (const l of [registered, gateways, listeners]) {
    l.items.value = null;
    l.failure.value = null;
  }
  keysOf.value = new Map();
  ended.value = false;
});
