// The texts for the panels that come later: those of the page, and those that are
// loaded with these panels. The rest of the page cannot name them.

import type { en } from './en';
import type { enAccounts } from './en-accounts';
import type { enFences } from './en-fences';
import type { enList } from './en-list';
import type { enReviews } from './en-reviews';
import type { enSites } from './en-sites';
import type { enPermits } from './en-permits';
import type { enPanels } from './en-panels';
import type { enVehicles } from './en-vehicles';
import { plural as anyPlural, t as anyText, type Plural, type Translate } from './index';

export { code, formatNumber, lang } from './index';
type Texts = typeof en & typeof enList & typeof enFences & typeof enPanels & typeof enAccounts & typeof enVehicles & typeof enSites & typeof enReviews & typeof enPermits;
export type LaterKey = keyof Texts;

export const t = anyText as unknown as Translate<Texts>;
export const plural = anyPlural as unknown as Plural<Texts>;
