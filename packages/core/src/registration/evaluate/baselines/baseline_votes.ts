/**
 * Votes of an older method on the same windows: a grid of templates, each searched in the whole prior. Wide searches go
 * from a reduced image to the full one, as all of these methods are used.
 */
import { pause } from '../../../base/pause.ts';
import type { CorrelationMap } from '../../../localisation/correlation.ts';
import type { RasterWindow } from '../../../raster/window.ts';
import { type Gray, reduced } from './gray.ts';
import { BASELINES, type Baseline } from './methods.ts';

export interface BaselineScene {
  readonly sar: Gray;
  /** Optical image on the same grid, with `margin` more pixels on each side. */
  readonly optical: Gray;
  readonly margin: number;
}

export interface BaselineVote {
  readonly cell: { readonly column: number; readonly row: number };
  /** Middle of the template in pixels of the grid. */
  readonly at: readonly [column: number, row: number];
  readonly offset: { readonly column: number; readonly row: number };
}

export interface BaselineOptions {
  readonly side: number;
  /** Searched in each direction, in pixels; at most the margin. */
  readonly search: number;
  /** Templates along each axis. */
  readonly cells: number;
  readonly signal?: AbortSignal | undefined;
}

/** Search in pixels from which on a reduced image is searched first, and the one above which it is reduced by four. */
const [WIDE, WIDER] = [24, 80];
/** Pixels around the place in the reduced image, beyond one of its own pixels. */
const SLACK = 2;

export async function baselineVotes(
  method: Baseline,
  { sar, optical, margin }: BaselineScene,
  { side, search, cells, signal }: BaselineOptions,
): Promise<BaselineVote[]> {
  const factor = search <= WIDE ? 1 : search <= WIDER ? 2 : 4;
  const [full, small] = [
    BASELINES[method](sar, optical),
    BASELINES[method](reduced(sar, factor), reduced(optical, factor)),
  ];
  const votes: BaselineVote[] = [];
  for (let i = 0; i < cells * cells; i++) {
    await pause(signal);
    const cell = { column: i % cells, row: Math.floor(i / cells) };
    const template = templateOf(cell, cells, side, sar);
    const reach = Math.floor(search / factor);
    const first =
      factor === 1
        ? { column: 0, row: 0 }
        : await best(small, shrunk(template, factor), reach, [0, 0], margin / factor);
    const around = [Math.round(first.column * factor), Math.round(first.row * factor)] as const;
    const offset = await best(full, template, factor === 1 ? search : factor + SLACK, around, margin);
    votes.push({ cell, at: [template.column + side / 2, template.row + side / 2], offset });
  }
  return votes;
}

/** Corner of a template, at multiples of 4 so that reduced images have it, too. */
function templateOf(cell: BaselineVote['cell'], cells: number, side: number, { width, height }: Gray): RasterWindow {
  const at = (i: number, length: number) => 4 * Math.round(((i + 0.5) * length) / cells / 4 - side / 8);
  const inside = (position: number, length: number) =>
    Math.max(0, Math.min(4 * Math.floor((length - side) / 4), position));
  const [column, row] = [inside(at(cell.column, width), width), inside(at(cell.row, height), height)];
  return { column, row, width: side, height: side };
}

const shrunk = ({ column, row, width, height }: RasterWindow, factor: number): RasterWindow => ({
  ...{ column: column / factor, row: row / factor, width: width / factor, height: height / factor },
});

async function best(
  scores: (typeof BASELINES)[Baseline] extends (...of: never[]) => infer S ? S : never,
  template: RasterWindow,
  reach: number,
  [aroundX, aroundY]: readonly [number, number],
  margin: number,
): Promise<{ column: number; row: number }> {
  // At the rim of the image the search is cut off: the window may not leave it.
  const clamp = (around: number) => Math.max(-margin + reach, Math.min(margin - reach, around));
  const [x, y] = [clamp(aroundX), clamp(aroundY)];
  const window = {
    ...{ column: template.column + margin + x - reach, row: template.row + margin + y - reach },
    ...{ width: template.width + 2 * reach, height: template.height + 2 * reach },
  };
  const found = topOf(await scores(template, window));
  return { column: x - reach + found.column, row: y - reach + found.row };
}

/** Highest place of a map, to a part of a pixel by a parabola along each axis. */
function topOf({ values, width, height }: CorrelationMap): { column: number; row: number } {
  const at = values.reduce((top, value, i) => (value > values[top]! ? i : top), 0);
  const [row, column] = [Math.floor(at / width), at % width];
  const vertex = (before: number, middle: number, after: number) => {
    const curvature = before - 2 * middle + after;
    return curvature < 0 ? (before - after) / (2 * curvature) : 0;
  };
  const isInside = row > 0 && column > 0 && row < height - 1 && column < width - 1;
  if (!isInside) return { column, row };
  return {
    column: column + vertex(values[at - 1]!, values[at]!, values[at + 1]!),
    row: row + vertex(values[at - width]!, values[at]!, values[at + width]!),
  };
}
