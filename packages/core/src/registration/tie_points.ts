/**
 * Tie points: in each cell of a grid the most distinctive template of the SAR scene, searched for in the optical scene around
 * the coarse place, and the reason why it is used or not.
 */
import { pause } from '../base/pause.ts';
import type { Watch } from '../base/watch.ts';
import type { Model } from '../model.ts';
import type { RasterWindow } from '../raster/window.ts';
import { cut, knownShare, type Patchwork } from './chunk.ts';
import { clippedTo } from './coarse.ts';
import { type Distinctiveness, distinctiveness, STEP } from './distinctive.ts';
import type { FeatureSource } from './feature_source.ts';
import { backwardError, matchTemplate, type TemplateMatch } from './match_template.ts';
import type { Reason } from './registration.ts';
import type { RegistrationSettings } from './settings.ts';
import { samePlace, VERIFIED } from './verifier.ts';

/** A grid of cells over a part of the working grid. */
export interface CellGrid {
  readonly columns: number;
  readonly rows: number;
  readonly width: number;
  readonly height: number;
}

/** Features of both sensors, by one kind, in one frame: pixel p of the optical shows about the ground of pixel p of the SAR. */
export interface KindSources {
  readonly sar: FeatureSource;
  readonly optical: FeatureSource;
  /** Pixels of the optical source from those of the frame, multiples of 8. */
  readonly offset: readonly [columns: number, rows: number];
  /** Pixels of the optical source beyond which nothing is known; default: none. */
  readonly limits?: RasterWindow | undefined;
}

/** Measurements on a cell, in pixels of the frame. */
export interface CellResult {
  readonly cell: { readonly column: number; readonly row: number };
  readonly reason: Reason;
  readonly template: RasterWindow;
  readonly match?: TemplateMatch | undefined;
  readonly backward?: number | undefined;
  readonly probability?: number | undefined;
  /** Match by the other kind of features, where it was looked for. */
  readonly second?: { readonly match: TemplateMatch; readonly reason: Reason } | undefined;
}

export interface PointSearch {
  readonly grid: CellGrid;
  readonly side: number;
  /** Pixels to each side of the expected place. */
  readonly search: number;
  /** Expected offset in the frame. */
  readonly expected: readonly [column: number, row: number];
  readonly first: KindSources;
  readonly second?: KindSources | undefined;
  /** Verifies by its pair head. */
  readonly model?: Model | undefined;
  readonly settings: RegistrationSettings;
}

/** Cells of a working grid: `cells` along its longer side, else one each 100 pixels. */
export function cellGrid({ width, height }: { width: number; height: number }, cells?: number): CellGrid {
  const longer = Math.max(width, height);
  const along = cells ?? Math.min(MOST_CELLS, Math.max(3, Math.round(longer / 100)));
  const count = (length: number) => Math.max(1, Math.round((along * length) / longer));
  return { columns: count(width), rows: count(height), width, height };
}

/** Cells along an axis, at most, if not told. */
const MOST_CELLS = 45;
/** Side of a part of the grid whose features are held at once, in pixels. */
const PART = 1536;

/** @throws the signal's reason when aborted. */
export async function searchCells(search: PointSearch, { signal, onProgress }: Watch = {}): Promise<CellResult[]> {
  const { columns, rows } = search.grid;
  const results: CellResult[] = [];
  for (const part of partsOf(search.grid)) {
    const works = await worksFor(part, search);
    for (const cell of part.cells) {
      await pause(signal);
      results.push(await searchCell(cell, works, search));
      onProgress?.(results.length, columns * rows);
    }
  }
  return results.sort((a, b) => a.cell.row - b.cell.row || a.cell.column - b.cell.column);
}

interface Cell {
  readonly column: number;
  readonly row: number;
}

interface Part {
  readonly cells: readonly Cell[];
  /** Ground of the cells. */
  readonly bounds: RasterWindow;
}

/** Cells by parts of the grid that are small enough. */
function* partsOf(grid: CellGrid): Generator<Part> {
  const [wide, tall] = [grid.width / grid.columns, grid.height / grid.rows];
  const [across, down] = [Math.max(1, Math.floor(PART / wide)), Math.max(1, Math.floor(PART / tall))];
  for (let row = 0; row < grid.rows; row += down) {
    for (let column = 0; column < grid.columns; column += across) {
      const [right, bottom] = [Math.min(column + across, grid.columns), Math.min(row + down, grid.rows)];
      const cells = Array.from({ length: (right - column) * (bottom - row) }, (_, i) => ({
        column: column + (i % (right - column)),
        row: row + Math.floor(i / (right - column)),
      }));
      yield {
        cells,
        bounds: {
          column: column * wide,
          row: row * tall,
          width: (right - column) * wide,
          height: (bottom - row) * tall,
        },
      };
    }
  }
}

/** Features of a part by one kind. */
interface Works {
  readonly sar: Patchwork;
  readonly optical: Patchwork;
  readonly distinct: Distinctiveness;
}

interface BothWorks {
  readonly first: Works;
  /** Features of the other kind around a template. */
  second?(template: RasterWindow): Promise<Works>;
}

async function worksFor({ bounds, cells }: Part, search: PointSearch): Promise<BothWorks> {
  const { second, side, grid } = search;
  const templates = onSteps(bounds, side / 2, grid);
  const first = await worksOf(templates, search, search.first);
  if (!second) return { first };
  const area = (bounds.width * bounds.height) / cells.length;
  if (area > SPARSE * (side + 2 * search.search) ** 2) {
    return { first, second: (template) => worksOf(template, search, second) };
  }
  const works = await worksOf(templates, search, second);
  return { first, second: async () => works };
}

/** Search windows that fit into a cell from which on features are computed for each template, not for the whole part. */
const SPARSE = 2;

/** @param templates window in which all templates lie. */
async function worksOf(templates: RasterWindow, search: PointSearch, sources: KindSources): Promise<Works> {
  const { sar, optical, offset, limits } = sources;
  const { stride } = sar.kind;
  const ours = onSteps(templates, search.search, search.grid); // around it, for the way back
  const [dx, dy] = search.expected;
  const moved = { ...templates, column: templates.column + dx, row: templates.row + dy };
  const wide = onSteps(moved, search.search + STEP, undefined);
  const wanted = { ...wide, column: wide.column + offset[0], row: wide.row + offset[1] };
  const there = limits ? clippedTo(wanted, limits) : wanted;
  const theirs = { ...there, column: there.column - offset[0], row: there.row - offset[1] };
  const sarMap = await sar.read(ours);
  return {
    sar: { window: ours, map: sarMap, stride },
    optical: { window: theirs, map: await optical.read(there), stride },
    distinct: distinctiveness(sarMap, stride),
  };
}

/** A window widened to steps of 8 pixels. @param limits that it stays within, but for a part of a step. */
function onSteps(
  { column, row, width, height }: RasterWindow,
  by: number,
  limits: { width: number; height: number } | undefined,
): RasterWindow {
  const low = (at: number) => Math.floor((limits ? Math.max(0, at - by) : at - by) / STEP) * STEP;
  const high = (at: number, end: number | undefined) =>
    end === undefined ? Math.ceil((at + by) / STEP) * STEP : Math.floor(Math.min(end, at + by) / STEP) * STEP;
  const [left, top] = [low(column), low(row)];
  return {
    ...{ column: left, row: top },
    ...{ width: high(column + width, limits?.width) - left, height: high(row + height, limits?.height) - top },
  };
}

/** Share of a template that must be known in each scene. */
const KNOWN = 0.9;
/** Least distinctiveness of a template. */
const FLAT = 1e-4;

async function searchCell(cell: Cell, { first, second }: BothWorks, search: PointSearch): Promise<CellResult> {
  const template = templateIn(cell, first, search);
  const base = { cell, template };
  const pattern = cut(first.sar, template);
  if (!pattern || knownShare(pattern) < KNOWN) return { ...base, reason: 'no data' };
  const ground = cut(first.optical, expectedPlace(template, search, first.sar.stride));
  const share = ground ? knownShare(ground) : 0;
  if (share < KNOWN) return { ...base, reason: share < 0.5 ? 'outside' : 'no data' };
  if (distinctOf(template, first) < FLAT) return { ...base, reason: 'flat' };
  const found = await matchBothWays(template, first, search);
  const { match } = found;
  if (!match) return { ...base, reason: 'outside' };
  const probability = search.model && (await verified(search.model, template, match, first));
  const measured = { ...base, ...found, probability };
  const other = second && (await secondMatch(template, await second(template), search));
  const reason = (await firstReason(measured, first, search)) ?? disagreement(match, other, search) ?? 'used';
  return { ...measured, reason, second: other };
}

const expectedPlace = (template: RasterWindow, { expected: [dx, dy] }: PointSearch, stride: number): RasterWindow => ({
  ...template,
  column: template.column + Math.round(dx / stride) * stride,
  row: template.row + Math.round(dy / stride) * stride,
});

/** The most distinctive template whose middle lies in the cell. */
function templateIn(cell: Cell, { sar, distinct }: Works, { grid, side }: PointSearch): RasterWindow {
  const [wide, tall] = [grid.width / grid.columns, grid.height / grid.rows];
  const [left, top] = [cell.column * wide - side / 2, cell.row * tall - side / 2];
  const columns = stepsWithin(left, wide, sar.window.column, distinct.width - side / STEP);
  const rows = stepsWithin(top, tall, sar.window.row, distinct.height - side / STEP);
  let [best, most] = [{ column: columns[0]!, row: rows[0]! }, -1];
  for (const row of rows) {
    for (const column of columns) {
      const value = distinct.at(column, row, side / STEP);
      if (value > most) [best, most] = [{ column, row }, value];
    }
  }
  const place = { column: sar.window.column + best.column * STEP, row: sar.window.row + best.row * STEP };
  return { ...place, width: side, height: side };
}

/** Steps of a map within a range of pixels, kept within the map. */
function stepsWithin(from: number, length: number, start: number, last: number): number[] {
  const limit = (step: number) => Math.min(Math.max(step, 0), Math.max(0, last));
  const [first, end] = [Math.ceil((from - start) / STEP), Math.floor((from + length - start) / STEP)];
  return [...new Set(Array.from({ length: Math.max(1, end - first + 1) }, (_, i) => limit(first + i)))];
}

const distinctOf = ({ column, row, width }: RasterWindow, { sar, distinct }: Works) =>
  distinct.at((column - sar.window.column) / STEP, (row - sar.window.row) / STEP, width / STEP);

async function matchBothWays(
  template: RasterWindow,
  { sar, optical }: Works,
  { expected, search }: PointSearch,
): Promise<Pick<CellResult, 'match' | 'backward'>> {
  const match = await matchTemplate(sar, optical, template, expected, search);
  if (!match || match.peak.isOnRim) return { match };
  return { match, backward: await backwardError(sar, optical, template, match, search) };
}

/** Why a match cannot be used, by the first kind of features alone. */
async function firstReason(
  { match, backward, probability, template }: Omit<CellResult, 'reason'>,
  { sar }: Works,
  { settings, search }: PointSearch,
): Promise<Reason | undefined> {
  const { peak } = match!;
  if (peak.isOnRim) return 'at the border of the search';
  if (peak.value < settings.leastPeak) return 'weak';
  if (peak.ratio > settings.mostRatio) return (await isRepetitive(template, sar, search)) ? 'repetitive' : 'ambiguous';
  if (backward !== undefined && backward > settings.mostBackward) return 'not confirmed backwards';
  if (probability !== undefined && probability < settings.leastProbability) return 'rejected by the verifier';
  return undefined;
}

/** Ratio of a rival to the peak above which a template resembles its own surroundings. */
const REPETITIVE = 0.7;

async function isRepetitive(template: RasterWindow, sar: Patchwork, search: number): Promise<boolean> {
  const itself = await matchTemplate(sar, sar, template, [0, 0], search);
  return itself !== undefined && itself.peak.ratio > REPETITIVE;
}

async function verified(model: Model, template: RasterWindow, match: TemplateMatch, { sar, optical }: Works) {
  const { stride } = sar;
  const side = Math.min(VERIFIED * stride, template.width);
  const inset = Math.round((template.width - side) / 2 / stride) * stride;
  const middle = { column: template.column + inset, row: template.row + inset, width: side, height: side };
  const [dx, dy] = [match.column, match.row].map((each) => Math.round(each / stride) * stride) as [number, number];
  const there = cut(optical, { ...middle, column: middle.column + dx, row: middle.row + dy });
  return there && samePlace(model, cut(sar, middle)!, there);
}

async function secondMatch(template: RasterWindow, works: Works, search: PointSearch): Promise<CellResult['second']> {
  const match = await matchTemplate(works.sar, works.optical, template, search.expected, search.search);
  if (!match) return undefined;
  const { isOnRim, ratio } = match.peak;
  const reason = isOnRim ? 'at the border of the search' : ratio > search.settings.mostRatio ? 'ambiguous' : 'used';
  return { match, reason };
}

/** A place of which the other kind of features is more certain, and that is another one. */
function disagreement(
  match: TemplateMatch,
  other: CellResult['second'],
  { settings }: PointSearch,
): Reason | undefined {
  if (other?.reason !== 'used' || other.match.peak.ratio >= match.peak.ratio) return undefined;
  const apart = Math.hypot(match.column - other.match.column, match.row - other.match.row);
  return apart > settings.tolerance ? 'ambiguous' : undefined;
}
