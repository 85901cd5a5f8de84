// Calls of the public API about notifications: only what is loaded later needs these.

import { ask, client } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Notification = Schemas['Notification'];
export type NotificationList = Schemas['NotificationList'];
export type NotificationKind = Schemas['NotificationKind'];
export type Settings = Schemas['NotificationSettings'];
export type Choice = Schemas['NotificationChoice'];
export type MissedClock = Schemas['MissedClock'];

/** At most as many are on one page of the list. */
export const PAGE = 50;

export const notificationsApi = {
  page: (q: { unread: boolean; kinds: readonly string[]; cursor?: string | undefined; limit?: number }, signal?: AbortSignal) =>
    ask(client.GET('/v1/notifications', {
      params: { query: { limit: q.limit ?? PAGE, ...(q.unread && { unread: true }), ...(q.kinds.length > 0 && { kind: q.kinds.join(',') as unknown as string[] }), ...(q.cursor && { cursor: q.cursor }) } },
      ...(signal && { signal }),
    })),
  kinds: () => ask(client.GET('/v1/notifications/kinds', {})),
  read: (up_to: string) => ask(client.POST('/v1/notifications/read', { body: { up_to } })),
  settings: () => ask(client.GET('/v1/notifications/settings', {})),
  choose: (body: Settings) => ask(client.PUT('/v1/notifications/settings', { body })),
  missed: (signal?: AbortSignal) => ask(client.GET('/v1/missed-clocks', { ...(signal && { signal }) })),
};
