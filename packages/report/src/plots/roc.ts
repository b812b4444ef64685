/**
 * The ROC curve with a logarithmic false positive rate: matching is useful where false alarms are rare, and that corner
 * is a sliver on linear axes.
 */

import type { CurvePoint } from '@doppel/core/evaluation';
import { line } from 'd3-shape';
import { linearAxis, logAxis, percent } from './axis.ts';
import { type Area, chart, type PlotOptions, stroke } from './chart.ts';
import { element, INK } from './svg.ts';
import { type Point, thin } from './thin.ts';

export interface RocCurve {
  name: string;
  points: readonly Pick<CurvePoint, 'fpr' | 'recall'>[];
}

export interface RocPlot extends PlotOptions {
  curves: readonly RocCurve[];
  /** Number of negatives: the axis ends where they can no longer resolve the rate. */
  negatives: number;
  /** Points to mark, such as the threshold in use. */
  marks?: readonly { name: string; fpr: number; recall: number }[];
}

/** Chance is drawn as a dashed line; between distinct scores the curve is straight, as ties count half. */
export function rocPlot(plot: RocPlot): string {
  const lowest = lowestRate(plot.negatives);
  const legend = plot.curves.map(({ name }, i) => ({ name, color: colorOf(i) }));
  return chart({
    ...plot,
    description: `ROC curve of ${plot.curves.map((each) => each.name).join(', ')}: recall against false positive rate`,
    x: logAxis('False positive rate (logarithmic)', [lowest, 1], percent),
    y: linearAxis('Recall', [0, 1], { ticks: 5 }),
    legend: [...legend, { name: 'chance', color: INK.axis, dash: '4 4' }],
    draw: (area) => [
      stroke(trace(CHANCE, lowest, area), INK.axis, { 'stroke-dasharray': '4 4', 'stroke-width': 1.5 }),
      ...plot.curves.map(({ points }, i) => stroke(trace(points, lowest, area), colorOf(i))),
      ...(plot.marks ?? []).map((mark) => markAt(mark, area)),
    ],
  });
}

const CHANCE = [
  { fpr: 0, recall: 0 },
  { fpr: 1, recall: 1 },
];

function colorOf(curve: number): string {
  return INK.series[curve % INK.series.length] as string;
}

/** A power of ten below one false positive, and never above 1 %, so that small samples keep a readable axis. */
function lowestRate(negatives: number): number {
  return Math.min(10 ** Math.floor(Math.log10(1 / Math.max(negatives, 1))), 0.01);
}

/** A straight segment is curved on a logarithmic axis: long ones are drawn by way of points in between. */
function trace(points: RocCurve['points'], lowest: number, area: Area): string {
  const pixels: Point[] = [];
  let last = { fpr: 0, recall: 0 };
  for (const next of points) {
    for (const fpr of between(last.fpr, next.fpr, lowest)) {
      const share = (fpr - last.fpr) / (next.fpr - last.fpr);
      pixels.push([area.x(fpr), area.y(last.recall + share * (next.recall - last.recall))]);
    }
    pixels.push([area.x(next.fpr), area.y(next.recall)]);
    last = next;
  }
  return line<Point>()(thin(pixels)) ?? '';
}

/** Rates strictly between two, at steps of a twentieth of a decade, from the axis' lower end. */
function between(from: number, to: number, lowest: number): number[] {
  const rates: number[] = [];
  for (let rate = Math.max(from, lowest / 2) * 1.12; rate < to / 1.02; rate *= 1.12) rates.push(rate);
  return rates;
}

function markAt({ name, fpr, recall }: { name: string; fpr: number; recall: number }, area: Area): string {
  const [cx, cy] = [area.x(fpr), area.y(recall)];
  return element(
    'circle',
    { class: 'mark', cx, cy, r: 4.5, fill: INK.series[0], stroke: '#ffffff', 'stroke-width': 1.5 },
    element('title', {}, name),
  );
}
