// The bell of the top bar: how much there is to read. A click opens the list.

import { useEffect, useRef } from 'preact/hooks';
import { notificationsApi } from '../api/notifications';
import { lang, t } from '../i18n/later';
import { focusTab, openPage } from '../state/accounts';
import { announce } from '../state/announce';
import { counted, unread } from '../state/inbox';
import { deskOpen } from '../state/view';
import { Glyph } from './icons';
import { useLive } from './use-live';

const head = async (signal: AbortSignal) => {
  const list = await notificationsApi.page({ unread: false, kinds: [], limit: 1 }, signal);
  unread.value = list.unread;
  return list;
};

export function Bell() {
  const { value } = useLive(head, 'notifications');
  const newest = value?.items?.[0];
  const seen = useRef<string | undefined | null>(null);
  useEffect(() => {
    if (!value) return;
    // What was there before the page is no news.
    if (seen.current !== null && newest && !newest.read && seen.current !== newest.id) announce(t('not.new', { what: lang.value === 'en' ? newest.text.en : newest.text.zh }));
    seen.current = newest?.id;
  }, [value, newest?.id]);
  const n = unread.value ?? 0;
  const label = n ? t('not.bell', { n: counted(n) }) : t('not.bellNone');
  const open = () => {
    openPage('notifications');
    deskOpen.value = true;
    focusTab('notifications');
  };
  return (
    <button class="button bell" type="button" aria-label={label} title={label} data-testid="bell" data-unread={n} onClick={open}>
      <Glyph name="bell" />{n > 0 && <strong>{counted(n)}</strong>}
    </button>
  );
}
