// The coverage layer: where fences were not enforced lately, and whose are not now.
// Loaded when it is first switched on.

import { effect } from '@preact/signals';
import type { Feature, FeatureCollection, Polygon } from 'geojson';
import { coverageApi, type CoverageGrid } from '../api/coverage';
import { onNotice } from '../state/notices';
import { failed } from '../state/ops';
import { uncovered } from '../state/uncovered';
import { coverageShown } from '../state/view';
import type { MapView } from './view';

/** Cells become redder while vehicles are in them. */
const REFRESH_MS = 60_000;
/** A cell with so many minutes is as red as it gets. */
const FULL_MIN = 30;

/** The cells of the grid that have any minutes; share: how red. */
export function cellFeatures(g: CoverageGrid): FeatureCollection<Polygon, { share: number }> {
  const [w, s, e, n] = g.bbox as [number, number, number, number];
  const dx = (e - w) / g.cols;
  const dy = (n - s) / g.rows;
  return {
    type: 'FeatureCollection',
    features: (g.cells ?? []).map((c): Feature<Polygon, { share: number }> => {
      const [x, y] = [w + c.col * dx, s + c.row * dy];
      return {
        type: 'Feature',
        geometry: { type: 'Polygon', coordinates: [[[x, y], [x + dx, y], [x + dx, y + dy], [x, y + dy], [x, y]]] },
        properties: { share: 0.15 + 0.45 * Math.sqrt(Math.min(1, c.minutes / FULL_MIN)) },
      };
    }),
  };
}

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
