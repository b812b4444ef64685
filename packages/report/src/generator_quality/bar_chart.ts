/** Figures of several kinds of patches side by side, in groups: distances of generated from real patches. */
import { type Axis, linearAxis } from '../plots/axis.ts';
import { chart, type PlotOptions } from '../plots/chart.ts';
import { element, INK } from '../plots/svg.ts';

export interface BarChart extends PlotOptions {
  description: string;
  xLabel: string;
  yLabel: string;
  /** One group of bars each. */
  groups: readonly string[];
  /** One bar in each group; the values by group. */
  series: readonly { name: string; values: readonly number[] }[];
}

/** Share of a group's width that its bars take. */
const FILLED = 0.76;

export function barChart({ description, xLabel, yLabel, groups, series, ...options }: BarChart): string {
  const values = series.flatMap((each) => each.values).filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const room = (high - low || 1) * 0.06;
  const domain = [low < 0 ? low - room : 0, high + room] as const;
  const colour = (i: number) => INK.series[i % INK.series.length]!;
  return chart({
    ...{ width: 480, height: 300, ...options, description },
    x: groupAxis(xLabel, groups),
    y: linearAxis(yLabel, domain, { ticks: 5 }),
    legend: series.map(({ name }, i) => ({ name, color: colour(i), box: true })),
    draw: (area) =>
      series.flatMap(({ name, values }, i) =>
        values.map((value, group) => {
          if (!Number.isFinite(value)) return '';
          const width = (FILLED * (area.x(1) - area.x(0))) / series.length;
          const middle = (area.x(group) + area.x(group + 1)) / 2;
          const x = middle + (i - series.length / 2) * width;
          const [top, bottom] = [area.y(Math.max(value, 0)), area.y(Math.min(value, 0))];
          const box = { x, y: top, width: width - 1, height: Math.max(bottom - top, 1) };
          const title = element('title', {}, `${name}, ${groups[group]}: ${Number(value.toPrecision(4))}`);
          return element('rect', { ...box, fill: colour(i), 'fill-opacity': 0.85 }, title);
        }),
      ),
  });
}

/** Names in place of numbers: group g lies between g and g + 1. */
function groupAxis(label: string, groups: readonly string[]): Axis {
  return {
    label,
    place: (value, [left, right]) => left + (value / groups.length) * (right - left),
    ticks: groups.map((name, i) => ({ value: i + 0.5, text: name })),
  };
}
