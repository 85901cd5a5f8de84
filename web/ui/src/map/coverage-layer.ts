// The coverage layer: where fences were not enforced lately, and whose are not now.
// Loaded when it is first switched on.

import { effect } from '@preact/signals';
import { coverageApi } from '../api/coverage';
import { onNotice } from '../state/notices';
import { failed } from '../state/ops';
import { uncovered } from '../state/uncovered';
import { coverageShown } from '../state/view';
import { cellFeatures } from './coverage-cells';
import type { MapView } from './view';

/** Cells become redder while vehicles are in them. */
const REFRESH_MS = 60_000;

/** Draws the layer while it is switched on. */
export function linkCoverage(view: MapView): () => void {
  let hide = () => {};
  const show = () => {
    const stop = new AbortController();
    const read = async () => {
      try {
        const [grid, report] = await Promise.all([coverageApi.grid(stop.signal), coverageApi.report(stop.signal)]);
        if (stop.signal.aborted) return;
        view.setCoverage(cellFeatures(grid));
        uncovered.value = new Set((report.vehicles ?? []).filter((v) => v.armed && !v.enforced).map((v) => v.vehicle.id));
      } catch (err) {
        if (!stop.signal.aborted) failed(err);
      }
    };
    void read();
    const timer = window.setInterval(() => void read(), REFRESH_MS);
    const off = onNotice((m) => {
      if (m.t === 'coverage' || m.t === 'welcome') void read();
    });
    return () => {
      stop.abort();
      window.clearInterval(timer);
      off();
      view.setCoverage({ type: 'FeatureCollection', features: [] });
      uncovered.value = new Set();
    };
  };
  const end = effect(() => {
    hide();
    hide = coverageShown.value ? show() : () => {};
  });
  return () => {
    end();
    hide();
  };
}
