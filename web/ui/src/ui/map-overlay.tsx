// What is drawn over the map and its vehicles: priority traffic, and the way on which a
// vehicle is about to be sent.

import '../styles/overlay.css';
import { needTexts } from '../i18n';
import { goingTo } from '../state/goto';
import { picking } from '../state/modes';
import { fleet } from '../state/ops';
import { Pointing, WayDrawn } from './goto-overlay';
import { useMapFrames } from './overlay';
import { PriorityOverlay } from './priority-overlay';

/** Where the vehicle is that is about to be sent. */
function moves(): number[] {
  const g = goingTo.peek();
  const slot = g ? fleet.slotOf(fleet.handleOf(g.id)) : -1;
  return slot < 0 ? [] : [fleet.latDeg(slot), fleet.lonDeg(slot)];
}

function GoToOverlay() {
  useMapFrames(goingTo.value !== null, moves);
  return (
    <>
      <WayDrawn />
      {picking.value && <Pointing />}
    </>
  );
}

function MapOverlay() {
  return (
    <>
      <PriorityOverlay />
      <GoToOverlay />
    </>
  );
}

/** The overlay, when its texts are there. */
export const ready = needTexts('panels', 'vehicles').then(() => MapOverlay);
