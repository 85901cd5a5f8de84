// What is written and drawn beside the vehicles: labels and trails. It comes after
// the first view, with the texts that it needs.

import { needTexts } from '../i18n';
import type { Fleet } from '../live/fleet';
import { LabelLayer } from './label-layer';
import { labelText } from './label-text';
import { Trails } from './trails';

export interface Annotations { readonly labels: LabelLayer; readonly trails: Trails }

export async function annotate(labelCanvas: HTMLCanvasElement, fleet: Fleet): Promise<Annotations> {
  await needTexts('list');
  return { labels: new LabelLayer(labelCanvas, fleet, labelText), trails: new Trails(fleet) };
}
