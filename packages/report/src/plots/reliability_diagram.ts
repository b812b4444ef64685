/** Reliability diagram: observed frequency over predicted probability. Points on the diagonal are calibrated. */

import type { ReliabilityBin } from '@doppel/core/evaluation';
import { line } from 'd3-shape';
import { shareAxis } from './axis.ts';
import { type Area, chart, type PlotOptions, stroke } from './chart.ts';
import { element, INK } from './svg.ts';
import type { Point } from './thin.ts';

export interface ReliabilityDiagram extends PlotOptions {
  bins: readonly ReliabilityBin[];
}

/**
 * Observed share against mean probability for each bin that holds pairs, with 95 % intervals (Wilson, 1927, of pairs as
 * if they were independent) and, along the foot, how many pairs each bin holds.
 */
export function reliabilityDiagram(plot: ReliabilityDiagram): string {
  const filled = plot.bins.filter((bin) => bin.count > 0);
  return chart({
    ...plot,
    description: 'Reliability diagram: observed share of matches against the predicted probability',
    x: shareAxis('Predicted probability of a match'),
    y: shareAxis('Observed share of matches'),
    legend: [
      { name: 'model', color: INK.match },
      { name: 'perfect', color: INK.axis, dash: '4 4' },
      { name: 'pairs in the bin', color: INK.axis, box: true },
    ],
    draw: (area) => [
      ...countBars(filled, area),
      stroke(`M${area.left},${area.bottom}L${area.right},${area.top}`, INK.axis, {
        'stroke-dasharray': '4 4',
        'stroke-width': 1.5,
      }),
      ...filled.map((bin) => whisker(bin, area)),
      stroke(line<Point>()(filled.map((bin) => [area.x(bin.predicted), area.y(bin.observed)])) ?? '', INK.match),
      ...filled.map((bin) =>
        element('circle', { cx: area.x(bin.predicted), cy: area.y(bin.observed), r: 3.5, fill: INK.match }),
      ),
    ],
  });
}

/** The fullest bin takes a fifth of the height. */
function countBars(bins: readonly ReliabilityBin[], area: Area): string[] {
  const most = Math.max(...bins.map((bin) => bin.count));
  return bins.map((bin) => {
    const height = ((area.bottom - area.top) / 5) * (bin.count / most);
    const [x, y] = [area.x(bin.from) + 1, area.bottom - height];
    return element('rect', { x, y, width: area.x(bin.to) - x - 1, height, fill: INK.axis, 'fill-opacity': 0.3 });
  });
}

function whisker({ predicted, observed, count }: ReliabilityBin, area: Area): string {
  const [low, high] = wilsonInterval(observed, count);
  const x = area.x(predicted);
  return stroke(`M${x},${area.y(low)}V${area.y(high)}`, INK.match, { 'stroke-width': 1.5, 'stroke-opacity': 0.55 });
}

/** Wilson's score interval of a share at 95 %. */
export function wilsonInterval(share: number, count: number): [number, number] {
  const z = 1.959964;
  const scale = 1 + (z * z) / count;
  const centre = share + (z * z) / (2 * count);
  const half = z * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  return [Math.max((centre - half) / scale, 0), Math.min((centre + half) / scale, 1)];
}
