/** Looks of a box on a scene: a bright line with a dark rim, which shows on any ground. */
import { Stroke, Style } from 'ol/style.js';

export const BOX_STYLE = [
  new Style({ stroke: new Stroke({ color: '#000', width: 5 }) }),
  new Style({ stroke: new Stroke({ color: '#ffd24a', width: 2.5 }) }),
];
