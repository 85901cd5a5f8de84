// Two definitions side by side: only what differs.

import type { Definition } from '../fence/difference';
import { differences, movedVertices } from '../fence/difference';
import { shapeOf } from '../fence/shape';
import { t } from '../i18n/later';
import { memberText } from './fence-text';

interface Props { before: Definition; after: Definition; beforeLabel: string; afterLabel: string }

export function DifferenceTable({ before, after, beforeLabel, afterLabel }: Props) {
  const found = differences(before, after);
  if (found.length === 0) return <p class="muted">{t('difference.none')}</p>;
  const moved = movedVertices(shapeOf(before), shapeOf(after));
  return (
    <table class="table difference" aria-label={t('difference.title')} data-testid="difference">
      <thead><tr><th scope="col">{t('difference.field')}</th><th scope="col">{beforeLabel}</th><th scope="col">{afterLabel}</th></tr></thead>
      <tbody>
        {found.map(({ field }) => (
          <tr key={field} data-field={field}>
            <th scope="row">{t(`field.${field}`)}</th>
            <td class="wrap">{memberText(before, field)}</td>
            <td class="wrap">
              {memberText(after, field)}
              {field === 'shape' && <span class="sub muted">{t('difference.vertices', { come: moved.come, gone: moved.gone })}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
