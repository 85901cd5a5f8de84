// What the wizard holds while it is filled in, as texts; the application that it makes,
// and what of it is no application yet.

import type { Application, Document, Fault, Offer, Policy } from '../api/permits';
import { geometryOf } from '../fence/measure';
import { zoneInstant, zoneLocal } from '../fence/schedule';
import { shapeOf, type Geometry, type Shape } from '../fence/shape';

export const DATUMS = ['amsl', 'agl', 'takeoff', 'wgs84'] as const;
export type Datum = (typeof DATUMS)[number];
export interface HeightForm { m: string; datum: Datum }
export interface SpanForm { from: string; to: string }
export interface VolumeForm { shape: Shape | null; floor: HeightForm; ceiling: HeightForm; windows: readonly SpanForm[]; shared: boolean }
export interface PersonForm { ref: string; role: string; licence: string; licenceTo: string }
export interface PolicyForm extends SpanForm { kind: string; insurer: string; number: string; sum: string; guarantee: boolean }
export interface RoadForm { ref: string; road_class: string }
export interface ItemForm { text: string; documents: readonly Document[] }
export interface PermitForm extends SpanForm {
  kind: string; crew: string; subtype: string; replaces: string; title: string; scenario: string; emergency: boolean;
  vehicles: readonly string[]; people: readonly PersonForm[]; insurance: readonly PolicyForm[];
  volumes: readonly VolumeForm[]; roads: readonly RoadForm[]; sites: readonly string[]; speed: string; exempt: readonly string[];
  items: Readonly<Record<string, ItemForm>>; facts: Readonly<Record<string, string>>;
  checklist: Readonly<Record<string, { text: string; evidence: string }>>; disclosure: Readonly<Record<string, string>>;
}

/** What is wrong before the server is asked: a place of the application, and a key of texts. */
export interface InputFault { item: string; code: 'title' | 'time' | 'order' | 'number' | 'shape' | 'window' | 'who' }

export const ROAD_CLASSES = ['highway', 'expressway', 'urban', 'urban_expressway', 'specific_area'] as const;
export const newVolume = (): VolumeForm => ({ shape: null, floor: { m: '', datum: 'amsl' }, ceiling: { m: '', datum: 'amsl' }, windows: [], shared: false });
export const newPolicy = (kind: string): PolicyForm => ({ kind, insurer: '', number: '', from: '', to: '', sum: '', guarantee: false });

export const emptyForm = (): PermitForm => ({
  kind: '', crew: '', subtype: 'first', replaces: '', title: '', scenario: '', emergency: false, from: '', to: '',
  vehicles: [], people: [], insurance: [], volumes: [], roads: [], sites: [], speed: '', exempt: [], items: {}, facts: {}, checklist: {}, disclosure: {},
});

const local = (at: string | null | undefined, tz: string) => (at ? zoneLocal(Date.parse(at), tz) : '');
const heightForm = (h: { m: number; datum: string } | undefined): HeightForm => (h ? { m: String(h.m), datum: h.datum as Datum } : { m: '', datum: 'amsl' });
const policyForm = (p: Policy, tz: string): PolicyForm => ({
  kind: p.kind, insurer: p.insurer, number: p.number, from: local(p.from, tz), to: local(p.to, tz), sum: p.per_vehicle_cny ? String(p.per_vehicle_cny) : '', guarantee: p.guarantee ?? false,
});
export const policiesForm = (all: readonly Policy[] | null | undefined, tz: string): PolicyForm[] => (all ?? []).map((p) => policyForm(p, tz));

/** An application as texts, times in the zone's. */
export function formOf(a: Application, tz: string): PermitForm {
  return {
    kind: a.kind, crew: a.crew ?? '', subtype: a.subtype, replaces: a.replaces ?? '', title: a.title, scenario: a.scenario ?? '', emergency: a.emergency ?? false,
    from: local(a.from, tz), to: local(a.to, tz), vehicles: a.vehicles ?? [],
    people: (a.people ?? []).map((p) => ({ ref: p.ref, role: p.role, licence: p.licence ?? '', licenceTo: local(p.licence_to, tz) })),
    insurance: policiesForm(a.insurance, tz),
    volumes: (a.volumes ?? []).map((v) => ({
      shape: shapeOf(v as unknown as Geometry), floor: heightForm(v.floor), ceiling: heightForm(v.ceiling),
      windows: (v.windows ?? []).map((w) => ({ from: local(w.from, tz), to: local(w.to, tz) })), shared: v.shared ?? false,
    })),
    roads: a.roads ?? [], sites: a.sites ?? [], speed: a.speed_mps ? String(a.speed_mps) : '', exempt: a.exempt_fences ?? [],
    items: Object.fromEntries(Object.entries(a.items ?? {}).map(([k, v]) => [k, { text: v.text ?? '', documents: v.documents ?? [] }])),
    facts: Object.fromEntries(Object.entries(a.facts ?? {}).map(([k, v]) => [k, v === true ? 'yes' : v === false ? 'no' : String(v)])),
    checklist: a.checklist ?? {}, disclosure: a.disclosure ?? {},
  };
}

const iso = (at: number) => new Date(at).toISOString();
const number = (text: string) => (text.trim() === '' ? NaN : Number(text));

class Reader {
  readonly faults: InputFault[] = [];
  constructor(private readonly tz: string) {}
  fault(item: string, code: InputFault['code']): void {
    this.faults.push({ item, code });
  }
  /** A time of the zone; of garbage the fault and a time that is none. */
  time(text: string, item: string): string {
    const at = zoneInstant(text, this.tz);
    if (!Number.isNaN(at)) return iso(at);
    this.fault(item, 'time');
    return '';
  }
  span(s: SpanForm, item: string, code: 'order' | 'window' = 'order'): { from: string; to: string } {
    const [from, to] = [this.time(s.from, `${item}/from`), this.time(s.to, `${item}/to`)];
    if (from && to && from >= to) this.fault(item, code);
    return { from, to };
  }
  number(text: string, item: string, min = -Infinity): number {
    const n = number(text);
    if (!Number.isFinite(n) || n < min) this.fault(item, 'number');
    return n;
  }
}

function policyOf(p: PolicyForm, item: string, r: Reader): Policy {
  if (p.insurer.trim() === '' || p.number.trim() === '') r.fault(item, 'who');
  return {
    kind: p.kind, insurer: p.insurer.trim(), number: p.number.trim(), ...r.span(p, item),
    ...(p.sum.trim() && { per_vehicle_cny: Math.round(r.number(p.sum, `${item}/sum`, 0)) }), ...(p.guarantee && { guarantee: true }),
  };
}

/** One in which nothing was filled in yet: the rules ask for it, it hinders no saving. */
const untouched = (p: PolicyForm) => [p.insurer, p.number, p.from, p.to, p.sum].every((v) => v.trim() === '');
const readPolicies = (all: readonly PolicyForm[], r: Reader) => all.flatMap((p, i) => (untouched(p) ? [] : [policyOf(p, `insurance/${i}`, r)]));

export function policiesOf(all: readonly PolicyForm[], tz: string): { policies: Policy[]; faults: InputFault[] } {
  const r = new Reader(tz);
  return { policies: readPolicies(all, r), faults: r.faults };
}

/** yes_no, word or number as the pack says; a fact that is not answered is not declared. */
export type FactKinds = Readonly<Record<string, 'yes_no' | 'word' | 'number'>>;

/**
 * The application that the form says, and its faults. With faults it is not to be sent.
 * kept: which volume of the form each of the application's is; one without a shape is left out.
 */
export function applicationOf(f: PermitForm, kinds: FactKinds, tz: string): { application: Application; faults: InputFault[]; kept: number[] } {
  const r = new Reader(tz);
  if (f.title.trim() === '') r.fault('title', 'title');
  const kept = f.volumes.flatMap((v, i) => (v.shape ? [i] : []));
  const facts: Record<string, unknown> = {};
  for (const [name, said] of Object.entries(f.facts)) {
    if (said.trim() === '') continue;
    const kind = kinds[name];
    if (kind === 'yes_no') facts[name] = said === 'yes';
    else if (kind === 'number') facts[name] = r.number(said, `facts/${name}`);
    else if (kind === 'word') facts[name] = said;
    // What the kind does not ask is left out: the rules of another kind asked it.
  }
  const height = (h: HeightForm, item: string) => (h.m.trim() === '' ? undefined : { m: r.number(h.m, item), datum: h.datum });
  const application: Application = {
    kind: f.kind, subtype: f.subtype as Application['subtype'], title: f.title.trim(), ...r.span(f, 'window'),
    ...(f.crew && { crew: f.crew as NonNullable<Application['crew']> }), ...(f.replaces && { replaces: f.replaces }),
    ...(f.scenario.trim() && { scenario: f.scenario.trim() }), ...(f.emergency && { emergency: true }),
    vehicles: [...f.vehicles],
    people: f.people.map((p, i) => {
      if (p.ref.trim() === '' || p.role.trim() === '') r.fault(`people/${i}`, 'who');
      return { ref: p.ref.trim(), role: p.role.trim(), ...(p.licence.trim() && { licence: p.licence.trim() }), ...(p.licenceTo && { licence_to: r.time(p.licenceTo, `people/${i}/licence_to`) }) };
    }),
    insurance: readPolicies(f.insurance, r),
    volumes: kept.map((i) => {
      const v = f.volumes[i]!;
      const floor = height(v.floor, `volumes/${i}/floor`);
      const ceiling = height(v.ceiling, `volumes/${i}/ceiling`);
      const windows = v.windows.map((w, k) => r.span(w, `volumes/${i}/windows/${k}`, 'window'));
      return { ...geometryOf(v.shape!), ...(floor && { floor }), ...(ceiling && { ceiling }), ...(windows.length > 0 && { windows }), ...(v.shared && { shared: true }) };
    }) as unknown as Application['volumes'] & object,
    roads: f.roads.map((x, i) => {
      if (x.ref.trim() === '') r.fault(`roads/${i}`, 'who');
      return { ref: x.ref.trim(), road_class: x.road_class as 'urban' };
    }),
    sites: [...f.sites], exempt_fences: [...f.exempt],
    ...(f.speed.trim() && { speed_mps: r.number(f.speed, 'speed', 0) }),
    items: Object.fromEntries(Object.entries(f.items).filter(([, v]) => v.text.trim() || v.documents.length)
      .map(([k, v]) => [k, { ...(v.text.trim() && { text: v.text.trim() }), ...(v.documents.length && { documents: [...v.documents] }) }])),
    facts,
    checklist: Object.fromEntries(Object.entries(f.checklist).filter(([, v]) => v.text.trim() || v.evidence.trim())),
    disclosure: Object.fromEntries(Object.entries(f.disclosure).filter(([, v]) => v.trim())),
  };
  return { application, faults: r.faults, kept };
}

/** The place in the form of a place in the application that was sent. */
export function placeOf(item: string, kept: readonly number[]): string {
  const m = /^volumes\/(\d+)(.*)$/.exec(item);
  return m ? `volumes/${kept[Number(m[1])] ?? m[1]}${m[2]}` : item;
}

export const STEPS = ['what', 'who', 'where', 'says', 'check'] as const;
export type Step = (typeof STEPS)[number];

/** The step of the wizard in which a place stands. */
export function stepOf(item: string): Step {
  const part = item.split('/')[0];
  switch (part) {
    case 'vehicles': case 'people': case 'insurance': return 'who';
    case 'volumes': case 'roads': case 'sites': case 'speed': case 'exempt_fences': return 'where';
    case 'items': case 'facts': case 'checklist': case 'disclosure': return 'says';
    default: return 'what';
  }
}

/** Whether a fault is about a place or what is in it. */
export const isAt = (item: string, place: string): boolean => item === place || item.startsWith(`${place}/`);

const shifted = (text: string, by: number, tz: string) => {
  const at = zoneInstant(text, tz);
  return Number.isNaN(at) ? text : zoneLocal(at + by, tz);
};

/** The form after an offer of the server was taken. */
export function taking(f: PermitForm, o: Offer, fault: Pick<Fault, 'rule'>, tz: string): PermitForm {
  if (o.shift_s) {
    const by = o.shift_s * 1000;
    const moved = (s: SpanForm): SpanForm => ({ from: shifted(s.from, by, tz), to: shifted(s.to, by, tz) });
    return { ...f, ...moved(f), volumes: f.volumes.map((v) => ({ ...v, windows: v.windows.map(moved) })) };
  }
  if (o.to) {
    // Forms hold minutes: what was cut must not be longer again.
    const end = Math.floor(Date.parse(o.to) / 60_000) * 60_000;
    return { ...f, to: zoneLocal(end, tz) };
  }
  if (o.exempt_fence) return f.exempt.includes(o.exempt_fence) ? f : { ...f, exempt: [...f.exempt, o.exempt_fence] };
  if (o.per_vehicle_cny) {
    const kind = fault.rule.split('/').pop();
    return { ...f, insurance: f.insurance.map((p) => (p.kind === kind ? { ...p, sum: String(o.per_vehicle_cny) } : p)) };
  }
  return f;
}
