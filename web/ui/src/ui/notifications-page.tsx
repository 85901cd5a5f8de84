// Notifications: what happened that the reader should know of, the newest first, so
// that what was not read stands at the top. To whoever controls the zone: which
// deadlines were missed, and by whom.

import '../styles/inbox.css';
import { useEffect, useState } from 'preact/hooks';
import { notificationsApi, type Notification, type NotificationKind, type NotificationList } from '../api/notifications';
import { code, lang, t } from '../i18n/later';
import { may, pageOf, show } from '../state/accounts';
import { counted, unread } from '../state/inbox';
import { onNotice } from '../state/notices';
import { Failure, useAct } from './account-bits';
import { Time } from './bits';
import { MissedClocks } from './notifications-missed';

const words = (x: { en: string; zh: string }) => (lang.value === 'en' ? x.en : x.zh);
const groupOf = (kind: string): string => kind.split('.')[0]!;

function One({ of: n, kind, busy, read }: { of: Notification; kind: NotificationKind | undefined; busy: boolean; read: () => void }) {
  return (
    <li class={n.read ? 'note-row' : 'note-row is-unread'} data-notification={n.id} data-kind={n.kind} data-read={n.read}>
      <div class="note-head">
        <span class="tag">{kind ? words(kind.name) : n.kind}</span>
        {!n.read && <strong>{t('not.unread')}</strong>}
        <Time at={n.at} date />
      </div>
      <p>{words(n.text)}</p>
      <div class="actions">
        {pageOf(n.object.type) && <button class="link-button" type="button" data-testid="not-open" onClick={() => show(n.object.type, n.object.id)}>{t('not.open', { what: code('not.object', n.object.type), name: n.object.name || n.object.id })}</button>}
        {!n.read && <button class="button" type="button" disabled={busy} data-testid="not-read" onClick={read}>{t('not.upTo')}<span class="visually-hidden">: {words(n.text)}</span></button>}
      </div>
    </li>
  );
}

function Filter({ kinds, value, set }: { kinds: readonly NotificationKind[]; value: string; set: (v: string) => void }) {
  const groups = [...new Set(kinds.map((k) => groupOf(k.kind)))];
  return (
    <label class="field"><span>{t('not.kind')}</span>
      <select value={value} data-testid="not-kind" onChange={(e) => set(e.currentTarget.value)}>
        <option value="">{t('not.all')}</option>
        {groups.map((g) => (
          <optgroup key={g} label={code('not.group', g)}>
            <option value={g}>{t('not.allOf', { what: code('not.group', g) })}</option>
            {kinds.filter((k) => groupOf(k.kind) === g).map((k) => <option key={k.kind} value={k.kind}>{words(k.name)}</option>)}
          </optgroup>
        ))}
      </select>
    </label>
  );
}

/** As many pages as are shown, so that what was opened further down stays. */
async function load(onlyUnread: boolean, kinds: readonly string[], shown: number): Promise<NotificationList> {
  let all: Notification[] = [];
  for (let cursor: string | undefined; ; ) {
    const p = await notificationsApi.page({ unread: onlyUnread, kinds, cursor });
    all = [...all, ...(p.items ?? [])];
    cursor = p.next ?? undefined;
    if (--shown <= 0 || !cursor) return { ...p, items: all };
  }
}

export function NotificationsPage() {
  const [kinds, setKinds] = useState<readonly NotificationKind[]>([]);
  const [filter, setFilter] = useState('');
  const [onlyUnread, setOnlyUnread] = useState(false);
  const [pages, setPages] = useState(1);
  const [list, setList] = useState<NotificationList | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [turn, again] = useState(0);
  const { busy, failure, act } = useAct();
  const chosen = kinds.filter((k) => k.kind === filter || groupOf(k.kind) === filter).map((k) => k.kind);
  useEffect(() => void notificationsApi.kinds().then((k) => setKinds(k.items ?? []), setFailed), []);
  useEffect(() => {
    let stopped = false;
    let latest = 0;
    const ask = async () => {
      const turn = ++latest;
      try {
        const got = await load(onlyUnread, chosen, pages);
        if (stopped || turn !== latest) return; // a later question has the answer
        setList(got);
        setFailed(null);
        unread.value = got.unread;
      } catch (err) {
        if (!stopped && turn === latest) setFailed(err);
      }
    };
    // After a new connection too: what was told meanwhile is in the list.
    const off = onNotice((m) => {
      if (m.t === 'welcome' || m.t === 'notifications') void ask();
    });
    void ask();
    return () => {
      stopped = true;
      off();
    };
  }, [filter, kinds, onlyUnread, pages, turn]);
  const read = (id: string) => void act(() => notificationsApi.read(id), t('not.done')).then((ok) => ok && again((n) => n + 1));
  const items = list?.items ?? [];
  return (
    <>
      <h2>{t('desk.notifications')}</h2>
      {may('zone.control') && <MissedClocks />}
      <div class="desk-bar">
        <Filter kinds={kinds} value={filter} set={(v) => {
          setPages(1);
          setFilter(v);
        }} />
        <label class="check"><input type="checkbox" checked={onlyUnread} data-testid="not-only" onChange={(e) => {
          setPages(1);
          setOnlyUnread(e.currentTarget.checked);
        }} />{t('not.only')}</label>
        {/* Of a filtered list it would mark what is not in sight. */}
        {!filter && items[0] && !items[0].read && <button class="button" type="button" disabled={busy} data-testid="not-read-all" onClick={() => read(items[0]!.id)}>{t('not.readAll')}</button>}
      </div>
      <Failure of={failed ?? failure} />
      <p role="status" class="muted" data-testid="not-count">{list ? (list.unread ? t('not.count', { n: counted(list.unread) }) : t('not.countNone')) : t('card.loading')}</p>
      {list && items.length === 0 && <p class="empty" data-testid="not-none">{filter || onlyUnread ? t('not.noneSuch') : t('not.none')}</p>}
      {items.length > 0 && (
        <ol class="note-list" aria-label={t('desk.notifications')}>
          {items.map((n) => <One key={n.id} of={n} kind={kinds.find((k) => k.kind === n.kind)} busy={busy} read={() => read(n.id)} />)}
        </ol>
      )}
      {list?.next && <div><button class="button" type="button" data-testid="not-more" onClick={() => setPages(pages + 1)}>{t('not.more')}</button></div>}
    </>
  );
}
