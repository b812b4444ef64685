/** Estimates with their intervals, one below the other, on a common axis, to compare arms with each other or with 0. */
import type { Interval } from '@doppel/core/evaluation';
import { type Axis, chart, element, INK, linearAxis, percent } from '@doppel/report';

export interface IntervalRow {
  name: string;
  value: number;
  interval: Interval | null;
}

export interface IntervalChart {
  rows: readonly IntervalRow[];
  /** Label of the values, which are shares shown in per cent. */
  xLabel: string;
  description: string;
  /** A line at 0, for differences. */
  zero: boolean;
}

const ROW = 26;

export function intervalChart({ rows, xLabel, description, zero }: IntervalChart): string {
  const values = rows.flatMap(({ value, interval }) => [value, ...(interval ?? [])]).filter(Number.isFinite);
  const all = zero ? [...values, 0] : values;
  const [low, high] = all.length > 0 ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const room = Math.max((high - low) * 0.06, 1e-3);
  return chart({
    description,
    width: 640,
    height: 70 + rows.length * ROW,
    x: linearAxis(xLabel, [low - room, high + room], { ticks: 6, format: (value) => percent(value, 1) }),
    y: rowAxis(rows),
    draw: (area) => [
      ...(zero
        ? [line(area.x(0), area.top, area.x(0), area.bottom, { stroke: INK.axis, 'stroke-dasharray': '4 3' })]
        : []),
      ...rows.map(({ value, interval }, i) => {
        const y = area.top + ((i + 0.5) / rows.length) * (area.bottom - area.top);
        const range = interval
          ? line(area.x(interval[0]), y, area.x(interval[1]), y, { stroke: INK.match, 'stroke-width': 2 })
          : '';
        const dot = Number.isFinite(value)
          ? element('circle', { cx: area.x(value), cy: y, r: 4, fill: INK.match })
          : '';
        return range + dot;
      }),
    ],
  });
}

/** Names in place of numbers, from the top down, each in the middle of its row. */
function rowAxis(rows: readonly IntervalRow[]): Axis {
  return {
    label: '',
    place: (value, [bottom, top]) => top + (value / rows.length) * (bottom - top),
    ticks: rows.map(({ name }, i) => ({ value: i + 0.5, text: name })),
  };
}

const line = (x1: number, y1: number, x2: number, y2: number, style: Record<string, string | number>) =>
  element('line', { x1, y1, x2, y2, ...style });
