/**
 * Arrows over the SAR scene: where the optical scene lies against it before, and what remains after the correction. Arrows
 * are drawn longer than they are, since offsets are small beside a scene; the legend says by how much.
 */

import { quantile } from '@doppel/core/base';
import type { Registration, TiePoint } from '@doppel/core/registration';
import { element, escapeText, text } from '../plots/svg.ts';
import { type GridWindow, isUsed, type MapFrame, mapFrame } from './map_frame.ts';

/** Colours on a grey picture, distinct with any kind of colour vision; the picture is the same on light and dark paper. */
export const MAP_INK = { used: '#56c3ff', heldOut: '#ffb000', off: '#ff7ab6', none: '#ffffff' } as const;

/** Length on the map from which an arrow off the model would hide the others: its mark alone is drawn. */
const MAX_OFF = 200;

/** Side of a cell on the map below which marks get smaller. */
const ROOM = 45;

/** A frame with the size of its marks, 1 where there is room. */
type MarkedFrame = MapFrame & { readonly mark: number };

type Vector = { readonly column: number; readonly row: number };

export interface ArrowMap {
  /** Transparent SVG that is laid over the picture of the window. */
  readonly svg: string;
  /** Length of an arrow on the map over the true one. */
  readonly factor: number;
}

/** @param pick vector of a point in pixels of the working grid. */
export function arrowMap(
  { grid, points }: Registration,
  window: GridWindow,
  { pick, description }: { pick(point: TiePoint): Vector | undefined; description: string },
): ArrowMap {
  const plain = mapFrame(grid, window);
  const cell = Math.sqrt((plain.width * plain.height) / Math.max(points.length, 1));
  const frame = { ...plain, mark: Math.min(1, cell / ROOM) };
  const shown = points.filter((point) => isUsed(point) || point.reason === 'off the model');
  const factor = factorFor(
    shown.flatMap((point) => pick(point) ?? []),
    cell,
    frame,
  );
  const others = points.filter((point) => !shown.includes(point)).map((point) => cross(point, frame));
  const arrows = shown.map((point) => arrow(point, pick(point), factor, frame));
  const size = { viewBox: `0 0 ${frame.width} ${frame.height}`, role: 'img', 'aria-label': description };
  const svg = element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', class: 'arrows', ...size },
    `<title>${escapeText(description)}</title>`,
    ...others,
    ...arrows,
    scaleBar(factor, frame),
  );
  return { svg, factor };
}

/** A round factor by which most arrows stay within their cell. */
function factorFor(vectors: readonly Vector[], cell: number, { unit }: MapFrame): number {
  const lengths = Float64Array.from(vectors, ({ column, row }) => Math.hypot(column, row)).sort();
  const typical = lengths.length === 0 ? 0 : quantile(lengths, 0.9);
  if (typical === 0) return 1;
  return roundDown((0.9 * cell) / (typical * unit));
}

/** The largest of 1, 2, 5, 10 … that is not above a value. */
function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = [5, 2, 1].find((each) => each * power <= value * (1 + 1e-9)) ?? 1;
  return Number((lead * power).toPrecision(1));
}

function arrow(point: TiePoint, vector: Vector | undefined, factor: number, frame: MarkedFrame): string {
  const [x, y] = frame.place(point.sarGround);
  const colour = point.reason === 'off the model' ? MAP_INK.off : point.heldOut ? MAP_INK.heldOut : MAP_INK.used;
  const length = factor * frame.unit;
  const isDrawn =
    vector && (point.reason !== 'off the model' || Math.hypot(vector.column, vector.row) * length < MAX_OFF);
  const tip = isDrawn ? ([x + vector.column * length, y + vector.row * length] as const) : ([x, y] as const);
  return element(
    'g',
    { class: 'arrow' },
    ...strokes([x, y], tip, colour, frame.mark),
    start(point, x, y, colour, frame.mark),
    titleOf(point, vector),
  );
}

/** A line with its head, dark beneath so that it shows on bright ground. */
function strokes(
  [x, y]: readonly [number, number],
  [tx, ty]: readonly [number, number],
  colour: string,
  mark: number,
): string[] {
  const angle = Math.atan2(ty - y, tx - x);
  const size = Math.min(9 * mark, Math.hypot(tx - x, ty - y) * 0.5);
  const barb = (turn: number) => [tx - size * Math.cos(angle + turn), ty - size * Math.sin(angle + turn)];
  const [ax, ay] = barb(0.5) as [number, number];
  const [bx, by] = barb(-0.5) as [number, number];
  const at = (value: number) => value.toFixed(1);
  const d = `M${at(x)} ${at(y)}L${at(tx)} ${at(ty)}M${at(ax)} ${at(ay)}L${at(tx)} ${at(ty)}L${at(bx)} ${at(by)}`;
  const line = { d, fill: 'none', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
  return [
    element('path', { ...line, stroke: '#000000', 'stroke-opacity': 0.7, 'stroke-width': round(6 * mark) }),
    element('path', { ...line, stroke: colour, 'stroke-width': round(3 * mark) }),
  ];
}

const round = (value: number) => Number(value.toFixed(1));

/** Round for a point of the fit, square for one that is held out. */
function start({ heldOut }: TiePoint, x: number, y: number, fill: string, mark: number): string {
  const edge = { fill, stroke: '#000000', 'stroke-opacity': 0.7, 'stroke-width': round(1.5 * mark) };
  const half = 5 * mark;
  return heldOut
    ? element('rect', { x: round(x - half), y: round(y - half), width: 2 * half, height: 2 * half, ...edge })
    : element('circle', { cx: round(x), cy: round(y), r: half, ...edge });
}

function cross(point: TiePoint, { place, mark }: MarkedFrame): string {
  const [x, y] = place(point.sarGround);
  const [half, whole] = [round(6 * mark), round(12 * mark)];
  const d = `M${round(x - half)} ${round(y - half)}l${whole} ${whole}m0 ${-whole}l${-whole} ${whole}`;
  return element(
    'g',
    { class: 'cross' },
    element('path', { d, stroke: '#000000', 'stroke-opacity': 0.8, 'stroke-width': round(6 * mark) }),
    element('path', { d, stroke: MAP_INK.none, 'stroke-width': round(2.6 * mark) }),
    titleOf(point, undefined),
  );
}

function titleOf({ id, reason, heldOut, peak }: TiePoint, vector: Vector | undefined): string {
  const parts = [
    `cell ${id}: ${reason}${heldOut ? ', held out' : ''}`,
    ...(vector ? [`${vector.column.toFixed(2)}, ${vector.row.toFixed(2)} px`] : []),
    ...(peak === undefined ? [] : [`peak ${peak.toFixed(2)}`]),
  ];
  return element('title', {}, escapeText(parts.join('; ')));
}

/** Length of a round number of pixels at the arrows' scale. */
function scaleBar(factor: number, { width, height, unit }: MapFrame): string {
  const pixels = roundDown((0.18 * width) / (factor * unit));
  const length = pixels * factor * unit;
  const [x, y] = [24, height - 26];
  const shadow = { 'paint-order': 'stroke', stroke: '#000000', 'stroke-width': 5, 'stroke-opacity': 0.7 };
  return [
    element('path', {
      d: `M${x} ${y - 8}v16m0 -8h${length.toFixed(1)}m0 -8v16`,
      fill: 'none',
      stroke: '#000000',
      'stroke-opacity': 0.7,
      'stroke-width': 7,
    }),
    element('path', {
      d: `M${x} ${y - 8}v16m0 -8h${length.toFixed(1)}m0 -8v16`,
      fill: 'none',
      stroke: '#ffffff',
      'stroke-width': 3,
    }),
    text(`${pixels} px`, { x: x + length + 12, y: y + 8, 'font-size': 24, fill: '#ffffff', class: 'scale', ...shadow }),
  ].join('');
}
