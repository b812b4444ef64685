/** Lines over a common axis: training curves, speed over batch size, any metric over epochs. */
import { line } from 'd3-shape';
import { linearAxis, logAxis } from './axis.ts';
import { chart, type PlotOptions, stroke } from './chart.ts';
import { element, INK } from './svg.ts';
import type { Point } from './thin.ts';

export interface Series {
  name: string;
  /** [x, y]; a y that is NaN or infinite leaves a gap. */
  points: readonly Point[];
  /** Dashes such as "4 4". */
  dash?: string;
}

export interface LineChart extends PlotOptions {
  series: readonly Series[];
  xLabel: string;
  yLabel: string;
  /** Default linear. A logarithmic axis leaves out values that are not positive. */
  yScale?: 'linear' | 'log';
  /** Default: from the least to the greatest value, with a little room. */
  yDomain?: readonly [number, number];
}

/** Series without a point that can be drawn appear in the legend only; a chart without any point is an empty frame. */
export function lineChart(plot: LineChart): string {
  const { series, xLabel, yLabel, yScale = 'linear' } = plot;
  const isDrawn = ([x, y]: Point) => Number.isFinite(x) && Number.isFinite(y) && (yScale === 'linear' || y > 0);
  const drawn = series.flatMap(({ points }) => points.filter(isDrawn));
  const domain = plot.yDomain ?? yDomainOf(drawn, yScale);
  const colorOf = (i: number) => INK.series[i % INK.series.length] as string;
  return chart({
    ...plot,
    description: `${plot.title ?? yLabel}: ${series.map(({ name }) => name).join(', ')} against ${xLabel}`,
    x: linearAxis(xLabel, extent(drawn.map(([x]) => x)), { ticks: 8 }),
    y: yScale === 'log' ? logAxis(yLabel, domain) : linearAxis(yLabel, domain, { ticks: 6 }),
    legend: series.map(({ name, dash }, i) => ({ name, dash, color: colorOf(i) })),
    draw: (area) => {
      const path = line<Point>()
        .defined(isDrawn)
        .x(([x]) => area.x(x))
        .y(([, y]) => area.y(y));
      return series.map(({ points, dash }, i) => {
        const color = colorOf(i);
        const dots = points.length <= 40 ? points.filter(isDrawn) : [];
        return [
          stroke(path(points) ?? '', color, { 'stroke-dasharray': dash }),
          ...dots.map(([x, y]) => element('circle', { cx: area.x(x), cy: area.y(y), r: 2.5, fill: color })),
        ].join('');
      });
    },
  });
}

function extent(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

function yDomainOf(points: readonly Point[], scale: 'linear' | 'log'): [number, number] {
  const values = points.map(([, y]) => y);
  if (scale === 'log') {
    if (values.length === 0) return [0.1, 1];
    const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
    return [low / 1.2, high * 1.2];
  }
  const [low, high] = extent(values);
  const room = (high - low) * 0.05;
  // A quantity that is never negative keeps its zero in sight when it is near.
  return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
}
