import { afterEach, expect, it, vi } from 'vitest';
import { accounts } from './accounts';
import { ApiError, api, ask, client, pages } from './client';
import { fences } from './fences';
import { href } from './href';
import type { components } from './schema';

const window_ = { origin: 'https://zone.example.org' };
vi.stubGlobal('location', window_);

function answer(status: number, body: unknown, type = 'application/json') {
  const asked: { url: string; init: RequestInit }[] = [];
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    asked.push({ url: String(url), init });
    return Promise.resolve(new Response(status === 204 ? null : typeof body === 'string' ? body : JSON.stringify(body), { status, headers: { 'Content-Type': type } }));
  });
  return asked;
}
afterEach(() => vi.unstubAllGlobals());

it('puts parameters, precondition and body where the document has them', async () => {
  vi.stubGlobal('location', window_);
  const asked = answer(204, '');
  await accounts.revokeKey({ id: 'k/1', rev: 7 } as components['schemas']['Key']);
  await accounts.changePassword('old', 'new password');
  expect(asked.map((a) => `${a.init.method} ${a.url}`)).toEqual([
    'DELETE https://zone.example.org/v1/keys/k%2F1', 'PUT https://zone.example.org/v1/session/password',
  ]);
  expect(new Headers(asked[0]!.init.headers).get('If-Match')).toBe('"7"');
  expect(asked[0]!.init.body).toBe(null);
  expect(asked[1]!.init.body).toBe('{"current":"old","password":"new password"}');
});

it('sends a file as it is', async () => {
  vi.stubGlobal('location', window_);
  const asked = answer(200, {});
  await fences.import(new Blob(['<kml/>']), 'kml', true);
  const { url, init } = asked[0]!;
  expect(url).toBe('https://zone.example.org/v1/fences/import?format=kml&dry_run=true');
  expect(new Headers(init.headers).has('Content-Type')).toBe(false); // the browser takes that of the file
  expect([(init.body as Blob).type, await (init.body as Blob).text()]).toEqual(['application/octet-stream', '<kml/>']);
});

it('throws the code of the problem, and what a proxy or no network leaves of it', async () => {
  vi.stubGlobal('location', window_);
  answer(412, { code: 'stale', detail: 'newer', errors: [{ message: 'x' }] }, 'application/problem+json');
  await expect(api.zone()).rejects.toMatchObject({ status: 412, code: 'stale', message: 'newer', faults: [{ message: 'x' }] });
  answer(502, '<html>', 'text/html');
  await expect(api.zone()).rejects.toMatchObject({ status: 502, code: '502' });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')));
  await expect(api.zone()).rejects.toEqual(new ApiError(0, 'network', 'no network'));
});

it('reads all pages of a list', async () => {
  const asked: (string | undefined)[] = [];
  const all = await pages((c) => {
    asked.push(c);
    return Promise.resolve(c ? { items: [3], next: null } : { items: [1, 2], next: 'more' });
  });
  expect([all, asked]).toEqual([[1, 2, 3], [undefined, 'more']]);
});

it('names downloads', () => {
  expect(fences.exportUrl('kml')).toBe('/v1/fences/export?format=kml');
  expect(accounts.auditUrl({ who: 'p_1' }, 'csv')).toBe('/v1/audit/export?who=p_1&format=csv');
});

// `npm run check` compiles this and fails if one of these is no error any more.
it('is checked by the compiler', () => {
  const never = () => {
    // @ts-expect-error there is no such path
    void client.GET('/v1/fence', {});
    // @ts-expect-error nor this method of it
    void client.DELETE('/v1/fences', {});
    // @ts-expect-error the id is missing
    void client.GET('/v1/fences/{id}', {});
    // @ts-expect-error If-Match is a header of this call, not a parameter of the query
    void client.GET('/v1/people', { params: { query: { 'If-Match': '"1"' } } });
    // @ts-expect-error a password is a text
    void client.PUT('/v1/people/{id}/password', { params: { path: { id: 'p_1' } }, body: { password: 12 } });
    // @ts-expect-error a member of the body is missing
    void client.POST('/v1/organisations', { body: { id: 'acme', kind: 'operator' } });
    // @ts-expect-error a key is no person
    void (ask(client.GET('/v1/keys/{id}', { params: { path: { id: 'k_1' } } })) satisfies Promise<components['schemas']['Person']>);
    // @ts-expect-error there is no such format
    href('/v1/fences/export', { format: 'shp' });
    // @ts-expect-error and nothing to download there
    href('/v1/fences/import', { format: 'kml' });
  };
  expect(never).toBeTypeOf('function');
});

it('paths stand in this folder only, and only as arguments that the compiler checks', () => {
  const files = import.meta.glob('../**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true });
  const loose: string[] = [];
  let calls = 0;
  for (const [name, text] of Object.entries(files as Record<string, string>)) {
    if (/\.test\.ts$|schema\.d\.ts$/.test(name)) continue;
    for (const m of text.matchAll(/(client\.[A-Z]+\(|href\()?['"`]\/v1\/[^'"`]*['"`]( satisfies keyof paths)?/g)) {
      if (m[2] || (m[1] && !name.startsWith('../'))) calls++;
      else loose.push(`${name}: ${m[0]}`);
    }
  }
  expect(loose).toEqual([]);
  expect(calls).toBeGreaterThan(30);
});
