// What a person is sent by mail: address, language, kinds.

import '../styles/inbox.css';
import { useEffect, useState } from 'preact/hooks';
import { notificationsApi, type Choice, type Settings } from '../api/notifications';
import { code, lang, t } from '../i18n/later';
import { Failure, Field, texts, useAct } from './account-bits';
import { Time } from './bits';

const groupOf = (kind: string): string => kind.split('.')[0]!;

function Kinds({ of: choice }: { of: Choice }) {
  const all = choice.all ?? [];
  return (
    <>
      {[...new Set(all.map((k) => groupOf(k.kind)))].map((g) => (
        <fieldset key={g}>
          <legend>{code('not.group', g)}</legend>
          <div class="choices">
            {all.filter((k) => groupOf(k.kind) === g).map((k) => (
              <label key={k.kind} class="check">
                <input type="checkbox" name="kinds" value={k.kind} defaultChecked={choice.kinds?.includes(k.kind) ?? false} data-testid={`mail-${k.kind}`} />
                {lang.value === 'en' ? k.name.en : k.name.zh}
              </label>
            ))}
          </div>
        </fieldset>
      ))}
    </>
  );
}

export function OwnNotifications() {
  const [choice, setChoice] = useState<Choice | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const { busy, failure, act } = useAct();
  useEffect(() => void notificationsApi.settings().then(setChoice, setFailed), []);
  const save = (form: HTMLFormElement) => {
    const f = new FormData(form);
    const next: Settings = { address: texts(f, 'address'), language: f.get('language') as Settings['language'], kinds: f.getAll('kinds').map(String) };
    void act(async () => setChoice(await notificationsApi.choose(next)), t('not.saved'));
  };
  return (
    <section class="desk-section note-settings" aria-label={t('not.mail')} data-testid="mail">
      <h2>{t('not.mail')}</h2>
      <Failure of={failed} />
      {choice && (
        <form class="desk-form" noValidate data-testid="mail-form" onSubmit={(e) => {
          e.preventDefault();
          save(e.currentTarget);
        }}>
          {!choice.mail && <p class="note" data-testid="mail-off">{t('not.mailOff')}</p>}
          {choice.failed && <p class="note" data-testid="mail-failed">{t('not.mailFailed')} <Time at={choice.failed.at} date />: <span lang="en">{choice.failed.error}</span></p>}
          <Field label={t('not.address')} hint={t('not.addressHint')}>
            <input name="address" type="email" autocomplete="email" maxLength={254} defaultValue={choice.address} data-testid="mail-address" />
          </Field>
          <Field label={t('not.language')}>
            <select name="language" defaultValue={choice.language} data-testid="mail-language">
              <option value="en">English</option>
              <option value="zh" lang="zh-CN">中文</option>
            </select>
          </Field>
          <Kinds of={choice} />
          <Failure of={failure} />
          <div class="actions"><button class="button primary" type="submit" disabled={busy} data-testid="mail-save">{t('not.save')}</button></div>
        </form>
      )}
    </section>
  );
}
