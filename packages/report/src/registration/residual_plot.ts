/** Scatter of offsets or residuals over columns and rows, with the circle that holds 90 % of the held-out ones. */
import type { TiePoint } from '@doppel/core/registration';
import { linearAxis } from '../plots/axis.ts';
import { type Area, chart } from '../plots/chart.ts';
import { element, INK } from '../plots/svg.ts';

type Vector = { readonly column: number; readonly row: number };

export interface ResidualPlot {
  readonly description: string;
  readonly points: readonly TiePoint[];
  /** Vector of a point in pixels of the working grid. */
  pick(point: TiePoint): Vector | undefined;
  /** Radius of the circle in pixels of the working grid. */
  readonly ce90?: number | undefined;
}

/** Side of the plot's area in pixels: both axes have one scale. */
const [WIDTH, HEIGHT] = [430, 418];

export function residualPlot({ description, points, pick, ce90 }: ResidualPlot): string {
  const drawn = points.flatMap((point) => {
    const vector = pick(point);
    return vector ? [{ point, vector }] : [];
  });
  const reach = reachOf([...drawn.flatMap(({ vector }) => [vector.column, vector.row]), ce90 ?? 0]);
  const axis = (label: string) => linearAxis(label, [-reach, reach], { ticks: 5 });
  return chart({
    ...{ width: WIDTH, height: HEIGHT, description },
    x: axis('Columns, px'),
    // Rows count downwards, and so does the axis.
    y: {
      ...axis('Rows, px'),
      place: (value, [low, high]) => low + ((reach - clamp(value, reach)) / (2 * reach)) * (high - low),
    },
    legend: [
      { name: 'in the fit', color: INK.series[0], box: true },
      { name: 'held out', color: INK.series[1], box: true },
      ...(ce90 === undefined ? [] : [{ name: 'CE90', color: INK.axis, dash: '4 4' }]),
    ],
    draw: (area) => [
      ...(ce90 === undefined ? [] : [circle(ce90, area)]),
      ...drawn.map(({ point, vector }) => mark(point, vector, area)),
    ],
  });
}

const clamp = (value: number, reach: number) => Math.min(Math.max(value, -reach), reach);

function reachOf(values: readonly number[]): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest === 0 ? 1 : largest * 1.08;
}

function circle(radius: number, area: Area): string {
  const [cx, cy] = [area.x(0), area.y(0)];
  const size = { rx: Math.abs(area.x(radius) - cx), ry: Math.abs(area.y(radius) - cy) };
  return element('ellipse', {
    cx,
    cy,
    ...size,
    fill: 'none',
    stroke: INK.axis,
    'stroke-width': 1.5,
    'stroke-dasharray': '4 4',
  });
}

function mark({ id, heldOut }: TiePoint, { column, row }: Vector, area: Area): string {
  const [x, y] = [area.x(column), area.y(row)];
  const title = element('title', {}, `cell ${id}: ${column.toFixed(2)}, ${row.toFixed(2)} px`);
  const fill = heldOut ? INK.series[1] : INK.series[0];
  return heldOut
    ? element('rect', { x: x - 3.5, y: y - 3.5, width: 7, height: 7, fill, 'fill-opacity': 0.85 }, title)
    : element('circle', { cx: x, cy: y, r: 3.5, fill, 'fill-opacity': 0.7 }, title);
}
