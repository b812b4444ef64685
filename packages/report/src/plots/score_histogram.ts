/** Histogram of the scores of matching and of other pairs, with the threshold between them. */
import { area as areaPath, curveStepAfter, line } from 'd3-shape';
import { linearAxis, percent } from './axis.ts';
import { type Area, chart, type PlotOptions, stroke } from './chart.ts';
import { element, INK, text } from './svg.ts';

export interface ScoreHistogram extends PlotOptions {
  /** Scores of the pairs that show the same place, and of those that do not. */
  positives: ArrayLike<number>;
  negatives: ArrayLike<number>;
  /** Threshold in the unit of the scores. */
  threshold?: number;
  /** Label of the score axis; default "Score (logit)". */
  label?: string;
  /** Default 48. */
  bins?: number;
}

/** Both classes over the same bins, each as the share of its own pairs, so that unequal numbers do not mislead. */
export function scoreHistogram(plot: ScoreHistogram): string {
  const { positives, negatives, threshold, bins = 48 } = plot;
  const [low, high] = rangeOf(positives, negatives);
  const classes = [
    { name: 'different place', color: INK.noMatch, shares: sharesOf(negatives, low, high, bins) },
    { name: 'same place', color: INK.match, shares: sharesOf(positives, low, high, bins) },
  ];
  const top = Math.max(...classes.flatMap(({ shares }) => shares));
  return chart({
    ...plot,
    description: 'Histogram of the scores of pairs that show the same place and of pairs that do not',
    x: linearAxis(plot.label ?? 'Score (logit)', [low, high], { ticks: 7 }),
    y: linearAxis('Share of the class', [0, top * 1.08], { ticks: 5, format: (share) => percent(share, 1) }),
    legend: [...classes].reverse().map(({ name, color }) => ({ name, color, box: true })),
    draw: (area) => [
      ...classes.map(({ shares, color }) => outline(shares, low, high, area, color)),
      ...(threshold === undefined ? [] : [thresholdLine(threshold, area)]),
    ],
  });
}

function rangeOf(...lists: ArrayLike<number>[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      low = Math.min(low, list[i]!);
      high = Math.max(high, list[i]!);
    }
  }
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

function sharesOf(scores: ArrayLike<number>, low: number, high: number, bins: number): number[] {
  const shares = Array<number>(bins).fill(0);
  for (let i = 0; i < scores.length; i++) {
    const bin = Math.min(Math.floor(((scores[i]! - low) / (high - low)) * bins), bins - 1);
    shares[bin]! += 1 / scores.length;
  }
  return shares;
}

function outline(shares: readonly number[], low: number, high: number, area: Area, color: string): string {
  const width = (high - low) / shares.length;
  const corners = [...shares, shares.at(-1)!].map((share, i) => [area.x(low + i * width), area.y(share)] as const);
  const shape = areaPath<readonly [number, number]>()
    .x((corner) => corner[0])
    .y0(area.bottom)
    .y1((corner) => corner[1])
    .curve(curveStepAfter);
  const edge = line<readonly [number, number]>().curve(curveStepAfter);
  return (
    element('path', { d: shape(corners) ?? '', fill: color, 'fill-opacity': 0.28 }) +
    stroke(edge(corners) ?? '', color, { 'stroke-width': 1.5 })
  );
}

function thresholdLine(threshold: number, area: Area): string {
  const x = area.x(threshold);
  const onRight = x < (area.left + area.right) / 2;
  const label = { x: x + (onRight ? 6 : -6), y: area.top + 12, 'text-anchor': onRight ? 'start' : 'end' };
  return (
    element('line', {
      class: 'mark',
      x1: x,
      x2: x,
      y1: area.top,
      y2: area.bottom,
      stroke: INK.text,
      'stroke-width': 1.5,
    }) + text('threshold', label)
  );
}
