/** The precision-recall curve: how many of the accepted pairs are right, at each share of the positives found. */

import type { CurvePoint } from '@doppel/core/evaluation';
import { curveStepBefore, line } from 'd3-shape';
import { shareAxis } from './axis.ts';
import { chart, type PlotOptions, stroke } from './chart.ts';
import { INK } from './svg.ts';
import { type Point, thin } from './thin.ts';

export interface PrecisionRecallPlot extends PlotOptions {
  curves: readonly { name: string; points: readonly Pick<CurvePoint, 'precision' | 'recall'>[] }[];
  /** Share of positives: the precision of chance. */
  prevalence: number;
}

/** Drawn in steps, as average precision is summed. */
export function precisionRecallPlot(plot: PrecisionRecallPlot): string {
  const colorOf = (i: number) => INK.series[i % INK.series.length] as string;
  return chart({
    ...plot,
    description: `Precision-recall curve of ${plot.curves.map((each) => each.name).join(', ')}`,
    x: shareAxis('Recall'),
    y: shareAxis('Precision'),
    legend: [
      ...plot.curves.map(({ name }, i) => ({ name, color: colorOf(i) })),
      { name: 'chance', color: INK.axis, dash: '4 4' },
    ],
    draw: (area) => [
      stroke(`M${area.left},${area.y(plot.prevalence)}H${area.right}`, INK.axis, {
        'stroke-dasharray': '4 4',
        'stroke-width': 1.5,
      }),
      ...plot.curves.map(({ points }, i) => {
        const pixels = thin(points.map((point): Point => [area.x(point.recall), area.y(point.precision)]));
        return stroke(line<Point>().curve(curveStepBefore)(pixels) ?? '', colorOf(i));
      }),
    ],
  });
}
