// Vehicles, accounts and audit, in the place of lists and map. Bar and alerts stay in sight.

import { useEffect } from 'preact/hooks';
import { t } from '../i18n/later';
import { deskPage, focusTab, loadPage, openPage, shownPages } from '../state/accounts';
import { deskOpen } from '../state/view';
import { KeysPage } from './account-keys';
import { MePage } from './account-me';
import { OrganisationsPage } from './account-organisations';
import { PeoplePage } from './account-people';
import { ProposalsPage } from './account-proposals';
import { Glyph } from './icons';
import { later } from './later';

const NotificationsPage = later(() => import('./notifications-page').then((m) => m.NotificationsPage));
const AuditPage = later(() => import('./audit').then((m) => m.AuditPage));
const ZonePage = later(() => import('./zone-state').then((m) => m.ZonePage), 'vehicles', 'panels');
const CoveragePage = later(() => import('./coverage').then((m) => m.CoveragePage), 'vehicles', 'panels');
const PriorityPage = later(() => import('./priority-page').then((m) => m.PriorityPage), 'vehicles', 'panels');
const SitesPage = later(() => import('./sites-page').then((m) => m.SitesPage), 'sites');
const RestrictionsPage = later(() => import('./restrictions-page').then((m) => m.RestrictionsPage), 'sites', 'vehicles');
const ReviewsPage = later(() => import('./review-page').then((m) => m.ReviewsPage), 'reviews');
const DisclosurePage = later(() => import('./disclosure-page').then((m) => m.DisclosurePage), 'reviews');
const VehiclesPage = later(() => import('./register-vehicles').then((m) => m.VehiclesPage), 'vehicles');
const GatewaysPage = later(() => import('./register-gateways').then((m) => m.GatewaysPage), 'vehicles');
const shown = { me: MePage, notifications: NotificationsPage, keys: KeysPage, zone: ZonePage, coverage: CoveragePage, priority: PriorityPage, sites: SitesPage, restrictions: RestrictionsPage, reviews: ReviewsPage, disclosure: DisclosurePage, vehicles: VehiclesPage, gateways: GatewaysPage, people: PeoplePage, organisations: OrganisationsPage, proposals: ProposalsPage, audit: AuditPage };

export function Desk() {
  const page = deskPage.value;
  const Shown = shown[page];
  useEffect(() => loadPage(page), [page]);
  useEffect(() => {
    focusTab();
    return () => document.querySelector<HTMLElement>('[data-testid=desk]')?.focus();
  }, []);
  const onKeyDown = (e: KeyboardEvent) => {
    const step = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    const all = shownPages.value;
    const to = all[(all.indexOf(page) + step + all.length) % all.length]!;
    openPage(to);
    focusTab(to);
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <section class="desk" aria-label={t('desk.open')} data-testid="desk-panel">
      <header>
        <div class="tabs" role="tablist" aria-label={t('desk.open')} onKeyDown={onKeyDown}>
          {shownPages.value.map((p) => (
            <button key={p} id={`desk-${p}`} type="button" role="tab" aria-selected={p === page} aria-controls="desk-page"
              tabIndex={p === page ? 0 : -1} onClick={() => openPage(p)}>{t(`desk.${p}`)}</button>
          ))}
        </div>
        <button class="button icon-button" type="button" aria-label={t('close')} data-testid="desk-close" onClick={() => (deskOpen.value = false)}><Glyph name="close" /></button>
      </header>
      <div class="desk-page" id="desk-page" role="tabpanel" aria-labelledby={`desk-${page}`}><Shown key={page} /></div>
    </section>
  );
}
