/**
 * The coarse search: where, turned and stretched how, the optical scene agrees with many blocks of the SAR scene at reduced
 * resolution. Each block votes by its whole correlation map, so that a vote need not be the block's best place; the hypothesis
 * with the most votes is refined by the places near it, and told from luck by the blocks whose best place it explains.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../base/pause.ts';
import type { Watch } from '../base/watch.ts';
import { cropFeatures, type FeatureMap } from '../localisation/feature_map.ts';
import { correlate } from '../ops/correlate.ts';
import type { RasterWindow } from '../raster/window.ts';
import { knownShare } from './chunk.ts';
import type { FeatureSource } from './feature_source.ts';
import { applyAffine, type PixelAffine, type Similarity, similarityAbout } from './pixel_affine.ts';
import { partsOf, pooledFeatures } from './pooled.ts';
import { fitSimilarity, type PixelMatch } from './similarity_fit.ts';

export interface CoarseSearch {
  /** Working grid. */
  readonly area: { readonly width: number; readonly height: number };
  /** Part of its pixels that the optical scene covers, before it is moved. */
  readonly covered: RasterWindow;
  /** Pixels. */
  readonly radius: number;
  /** Pixels around that a later search of points will want: read at once, they need not be read again. */
  readonly margin: number;
  /** Degrees. */
  readonly rotation: number;
  /** Share of 1. */
  readonly scale: number;
  readonly signal?: AbortSignal | undefined;
  /** Notified of parts of which features are known, and of blocks that were searched for. */
  readonly onProgress?: Watch['onProgress'];
}

export interface CoarsePlace extends Similarity {
  /** Blocks whose best place agrees, of those that were tried. */
  readonly agreeing: number;
  readonly windows: number;
  /** Share of a block's search within which a place agrees by luck. */
  readonly share: number;
}

/** A block's standardised correlations at every place of its window. */
interface BlockMap {
  /** Middle of the block, in pixels of the grid. */
  readonly middle: readonly [number, number];
  /** Middle of the block at the map's first place. */
  readonly origin: readonly [number, number];
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
  /** Middle of its best place. */
  readonly best: readonly [number, number];
}

/** Sides in pixels: of a block, of a group of blocks that share a window, and the largest area that is one group. */
const [BLOCK, GROUP, WHOLE] = [128, 512, 1536];
/** Side of a block of a small scene, in pixels. */
const LEAST_BLOCK = 48;
/** Groups along each axis of a large scene. */
const GROUPS = 3;
/** Pixels from the hypothesis within which a block's best place agrees. */
const NEAR = 10;
/** Share of a block that must be known. */
const KNOWN = 0.75;

/** @returns undefined where no block can be compared. */
export async function coarsePlace(
  sar: FeatureSource,
  optical: FeatureSource,
  search: CoarseSearch,
): Promise<CoarsePlace | undefined> {
  const { area, signal } = search;
  const middle: [number, number] = [area.width / 2, area.height / 2];
  const maps: BlockMap[] = [];
  const cell = cellFor(search);
  const groups = groupsOf(area).map((group) => placed(group, middle, cell, search));
  const step = counter(groups, search.onProgress);
  for (const group of groups) {
    await pause(signal);
    maps.push(...(await mapsOf(group, sar, optical, cell, signal, step)));
  }
  if (maps.length === 0) return undefined;
  await pause(signal);
  const first = mostVoted(maps, middle, cell, search);
  const refined = refine(maps, middle, first, cell, search);
  const agreeing = agreeingWith(maps, similarityAbout(middle, refined)).length;
  const places = maps.reduce((sum, map) => sum + map.width * map.height, 0) / maps.length;
  return { ...refined, agreeing, windows: maps.length, share: Math.min(1, (Math.PI * (NEAR / cell) ** 2) / places) };
}

/** Pixels of a cell, by which a window has a few hundred cells a side. */
function cellFor({ area, radius }: CoarseSearch): number {
  const extent = Math.min(Math.max(area.width, area.height), WHOLE) + 2 * radius;
  return extent <= 3072 ? 4 : extent <= 8192 ? 8 : 16;
}

/** Windows of the SAR scene, from which blocks are cut: the whole scene, or parts spread over it. */
function groupsOf({ width, height }: CoarseSearch['area']): RasterWindow[] {
  const whole = (length: number) => length - (length % 8);
  if (width <= WHOLE && height <= WHOLE) return [{ column: 0, row: 0, width: whole(width), height: whole(height) }];
  const [columns, rows] = [spread(width), spread(height)];
  return rows.flatMap(([row, tall]) => columns.map(([column, wide]) => ({ column, row, width: wide, height: tall })));
}

function spread(length: number): [from: number, length: number][] {
  const side = Math.min(GROUP, length - (length % 8));
  const count = Math.min(GROUPS, Math.max(1, Math.floor(length / GROUP)));
  const at = (i: number) => (count === 1 ? (length - side) / 2 : (i * (length - side)) / (count - 1));
  return Array.from({ length: count }, (_, i) => [Math.floor(at(i) / 8) * 8, side]);
}

/** Pixels by which the ground of a group may be displaced. */
function reachFor(group: RasterWindow, [x, y]: readonly [number, number], search: CoarseSearch): number {
  const [dx, dy] = [
    Math.max(Math.abs(group.column - x), Math.abs(group.column + group.width - x)),
    Math.max(Math.abs(group.row - y), Math.abs(group.row + group.height - y)),
  ];
  const bend = (search.rotation * Math.PI) / 180 + search.scale;
  return Math.ceil((search.radius + Math.hypot(dx, dy) * bend) / 16) * 16;
}

/** A part of the SAR scene that is cut into blocks, and the window of the optical scene in which they are searched for. */
interface Group {
  readonly area: RasterWindow;
  /** Pixels by which its ground may be displaced. */
  readonly reach: number;
  readonly window: RasterWindow;
  /** Places of its blocks, in cells of it. */
  readonly places: readonly BlockPlace[];
}

function placed(area: RasterWindow, middle: readonly [number, number], cell: number, search: CoarseSearch): Group {
  const reach = reachFor(area, middle, search);
  const window = windowFor(area, search.covered, reach + search.margin);
  return { area, reach, window, places: window.width > 0 && window.height > 0 ? placesOf(trimmed(area), cell) : [] };
}

/** Counts what is done in all groups. @returns a function to call for each part or block. */
function counter(groups: readonly Group[], onProgress: Watch['onProgress']): () => void {
  const stepsOf = ({ area, window, places }: Group) =>
    places.length === 0 ? 0 : partsOf(trimmed(area)) + partsOf(window) + places.length;
  const total = groups.reduce((sum, group) => sum + stepsOf(group), 0);
  let done = 0;
  return () => onProgress?.(++done, total);
}

async function mapsOf(
  { area: group, reach, window, places }: Group,
  sar: FeatureSource,
  optical: FeatureSource,
  cell: number,
  signal: AbortSignal | undefined,
  step: () => void,
): Promise<BlockMap[]> {
  if (places.length === 0) return [];
  const templates = await pooledFeatures(sar, trimmed(group), cell, signal, step);
  const scene = await pooledFeatures(optical, window, cell, signal, step);
  const toScene = [(group.column - window.column) / cell, (group.row - window.row) / cell] as const;
  const found: BlockMap[] = [];
  const blocks = blocksOf(templates, places);
  for (const { blocks: some, ground, column, row } of tasksOf(blocks, scene, toScene, reach / cell)) {
    await pause(signal);
    const maps = await correlations(
      some.map(({ map }) => map),
      ground,
    );
    some.forEach((block, i) => {
      step();
      const half = (block.side * cell) / 2;
      const middle = [group.column + block.column * cell + half, group.row + block.row * cell + half] as const;
      const origin = [window.column + column * cell + half, window.row + row * cell + half] as const;
      const [height, width] = [ground.height - block.side + 1, ground.width - block.side + 1];
      const values = standardised(maps.subarray(i * height * width, (i + 1) * height * width));
      const best = values.reduce((at, value, k) => (value > values[at]! ? k : at), 0);
      const place = [origin[0] + (best % width) * cell, origin[1] + Math.floor(best / width) * cell] as const;
      found.push({ middle, origin, values, width, height, best: place });
    });
  }
  for (let i = found.length; i < places.length; i++) step(); // blocks that are not known, or have no room
  return found;
}

/** Blocks that are searched for in one window of the scene. */
interface Task {
  readonly blocks: readonly Block[];
  readonly ground: FeatureMap;
  /** Upper left cell of the window in the scene. */
  readonly column: number;
  readonly row: number;
}

/** Share of a scene above which a block's own window saves nothing. */
const MOST_OF_IT = 0.5;

/** Each block with the ground that it may have moved to; all with the whole scene, where that is most of it. */
function* tasksOf(
  blocks: readonly Block[],
  scene: FeatureMap,
  [dx, dy]: readonly [number, number],
  reach: number,
): Generator<Task> {
  const own = blocks.map((block) => ({
    block,
    columns: cellsWithin(block.column + dx - reach, block.side + 2 * reach, scene.width),
    rows: cellsWithin(block.row + dy - reach, block.side + 2 * reach, scene.height),
  }));
  const areas = own.map(({ columns, rows }) => columns[1] * rows[1]);
  if (Math.max(...areas) > MOST_OF_IT * scene.width * scene.height) {
    for (const batch of batchesOf(blocks, scene)) yield { blocks: batch, ground: scene, column: 0, row: 0 };
    return;
  }
  for (const { block, columns, rows } of own) {
    if (columns[1] < block.side || rows[1] < block.side) continue;
    const ground = cropFeatures(scene, columns[0], rows[0], columns[1], rows[1]);
    yield { blocks: [block], ground, column: columns[0], row: rows[0] };
  }
}

/** The part of a range of cells that lies in a map. */
function cellsWithin(from: number, length: number, extent: number): [from: number, length: number] {
  const [low, high] = [Math.max(0, Math.round(from)), Math.min(extent, Math.round(from + length))];
  return [low, Math.max(0, high - low)];
}

/** Cells of windows start and end on multiples of this. */
const STEP = 16;

const trimmed = ({ column, row, width, height }: RasterWindow): RasterWindow => ({
  ...{ column, row },
  ...{ width: width - (width % STEP), height: height - (height % STEP) },
});

/** The ground that a group may have moved to, as far as the optical scene reaches. */
function windowFor(group: RasterWindow, covered: RasterWindow, reach: number): RasterWindow {
  const moved = {
    ...{ column: group.column - reach, row: group.row - reach },
    ...{ width: group.width + 2 * reach, height: group.height + 2 * reach },
  };
  return clippedTo(moved, overhanging(covered));
}

/** A scene with half a block around it, by which blocks may hang over. */
export const overhanging = ({ column, row, width, height }: RasterWindow): RasterWindow => ({
  ...{ column: column - BLOCK / 2, row: row - BLOCK / 2 },
  ...{ width: width + BLOCK, height: height + BLOCK },
});

/** The part of a window within another one, widened to whole steps; of no width or height where there is none. */
export function clippedTo(window: RasterWindow, limits: RasterWindow): RasterWindow {
  const [left, right] = within(window.column, window.width, limits.column, limits.width);
  const [top, bottom] = within(window.row, window.height, limits.row, limits.height);
  return { column: left, row: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

function within(from: number, length: number, start: number, extent: number): [number, number] {
  const low = Math.floor(Math.max(from, start) / STEP) * STEP;
  return [low, Math.ceil(Math.min(from + length, start + extent) / STEP) * STEP];
}

/** Upper left cell of a block in its group, and side in cells. */
interface BlockPlace {
  readonly column: number;
  readonly row: number;
  readonly side: number;
}

interface Block extends BlockPlace {
  readonly map: FeatureMap;
}

/** Square blocks of a group, evenly spread. */
function placesOf({ width, height }: RasterWindow, cell: number): BlockPlace[] {
  const least = Math.min(width, height) / cell;
  const side = Math.min(BLOCK / cell, Math.max(LEAST_BLOCK / cell, Math.floor(least / 4)));
  if (side > least) return [];
  const at = (length: number) => {
    const count = Math.max(1, Math.floor(length / side));
    return Array.from({ length: count }, (_, i) => Math.round((i * (length - side)) / Math.max(1, count - 1)));
  };
  return at(height / cell).flatMap((row) => at(width / cell).map((column) => ({ column, row, side })));
}

/** Blocks that are known well enough. */
const blocksOf = (group: FeatureMap, places: readonly BlockPlace[]): Block[] =>
  places
    .map((place) => ({ ...place, map: cropFeatures(group, place.column, place.row, place.side, place.side) }))
    .filter(({ map }) => knownShare(map) >= KNOWN);

/** Numbers of correlation maps that are held at once. */
const MOST_VALUES = 2 ** 24;

function* batchesOf(blocks: readonly Block[], scene: FeatureMap): Generator<readonly Block[]> {
  const fitting = blocks.filter(({ side }) => side <= scene.width && side <= scene.height);
  const size = Math.max(1, Math.floor(MOST_VALUES / (scene.width * scene.height)));
  for (let start = 0; start < fitting.length; start += size) yield fitting.slice(start, start + size);
}

/** Correlations of templates of one side with a scene, [templates, height, width]. */
async function correlations(templates: readonly FeatureMap[], scene: FeatureMap): Promise<Float32Array> {
  const { width, height, channels } = templates[0]!;
  const result = tf.tidy(() => {
    const stack = templates.map(({ data }) => tf.tensor3d(data, [height, width, channels]));
    const window = tf.tensor4d(scene.data, [1, scene.height, scene.width, channels]);
    return correlate(tf.stack(stack) as tf.Tensor4D, window);
  });
  try {
    return (await result.data()) as Float32Array;
  } finally {
    result.dispose();
  }
}

function standardised(values: Float32Array): Float32Array {
  let [sum, squares, count] = [0, 0, 0];
  for (const value of values) {
    if (value === 0) continue; // beyond the scene
    sum += value;
    squares += value * value;
    count++;
  }
  const mean = sum / Math.max(1, count);
  const scale = 1 / Math.sqrt(Math.max(1e-12, squares / Math.max(1, count) - mean * mean));
  return values.map((value) => (value === 0 ? 0 : (value - mean) * scale));
}

/** Pixels of a bin of the vote, at least; and bins of the shift along an axis, at most. */
const [BIN, MOST_BINS] = [16, 256];

/** A map at the resolution of the vote: votes of the best place in each bin. */
interface BinMap {
  readonly map: BlockMap;
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** The hypothesis with the most votes, over shifts, rotations and scales. */
function mostVoted(
  maps: readonly BlockMap[],
  middle: readonly [number, number],
  cell: number,
  { radius, rotation, scale }: CoarseSearch,
): Similarity {
  const factor = Math.max(BIN / cell, Math.ceil((2 * radius) / MOST_BINS / cell));
  const bin = factor * cell;
  const binned = maps.map((map) => binnedMap(map, factor));
  const farthest = Math.max(bin, ...maps.map(({ middle: [x, y] }) => Math.hypot(x - middle[0], y - middle[1])));
  const [turns, stretches] = [steps((rotation * Math.PI) / 180, bin / farthest), steps(scale, bin / farthest)];
  const reach = Math.ceil(radius / bin);
  let best: Similarity = { column: 0, row: 0, rotation: 0, scale: 1 };
  let most = Number.NEGATIVE_INFINITY;
  for (const turn of turns) {
    for (const stretch of stretches) {
      const still = { column: 0, row: 0, rotation: (turn * 180) / Math.PI, scale: 1 + stretch };
      const votes = votesFor(binned, similarityAbout(middle, still), bin, reach);
      const at = votes.reduce((top, value, i) => (value > votes[top]! ? i : top), 0);
      if (votes[at]! <= most) continue;
      most = votes[at]!;
      const side = 2 * reach + 1;
      best = { ...still, column: ((at % side) - reach) * bin, row: (Math.floor(at / side) - reach) * bin };
    }
  }
  return best;
}

/** Values from −most to most, about `step` apart, 0 among them. */
function steps(most: number, step: number): number[] {
  const count = Math.ceil(most / step);
  return Array.from({ length: 2 * count + 1 }, (_, i) => (count === 0 ? 0 : ((i - count) * most) / count));
}

/** Best place of each bin; a place counts by the square of what it stands above the mean, up to a limit. */
function binnedMap(map: BlockMap, factor: number): BinMap {
  const [width, height] = [Math.ceil(map.width / factor), Math.ceil(map.height / factor)];
  const values = new Float32Array(width * height);
  for (let row = 0; row < map.height; row++) {
    for (let column = 0; column < map.width; column++) {
      const z = Math.min(LIMIT, map.values[row * map.width + column]!);
      const to = Math.floor(row / factor) * width + Math.floor(column / factor);
      if (z > 0 && z * z > values[to]!) values[to] = z * z;
    }
  }
  return { map, values, width, height };
}

/** Standard deviations above which a place counts no more. */
const LIMIT = 6;

/** Votes for shifts by −reach to reach bins, after a turn and stretch. */
function votesFor(maps: readonly BinMap[], still: PixelAffine, bin: number, reach: number): Float32Array {
  const side = 2 * reach + 1;
  const votes = new Float32Array(side * side);
  for (const { map, values, width, height } of maps) {
    const [x, y] = applyAffine(still, ...map.middle);
    const [column, row] = [Math.floor((x - map.origin[0]) / bin), Math.floor((y - map.origin[1]) / bin)];
    const [first, last] = [Math.max(-reach, -column), Math.min(reach, width - 1 - column)];
    for (let dy = Math.max(-reach, -row); dy <= Math.min(reach, height - 1 - row); dy++) {
      const from = (row + dy) * width + column;
      const to = (dy + reach) * side + reach;
      for (let dx = first; dx <= last; dx++) votes[to + dx]! += values[from + dx]!;
    }
  }
  return votes;
}

const ROUNDS = 8;

/** The hypothesis by the blocks' best places near it, weighted down by their distance from the fit before. */
function refine(
  maps: readonly BlockMap[],
  middle: readonly [number, number],
  first: Similarity,
  cell: number,
  search: CoarseSearch,
): Similarity {
  const freedom = { turns: search.rotation > 0, stretches: search.scale > 0 };
  let fit = first;
  for (let round = 0; round < ROUNDS; round++) {
    const place = similarityAbout(middle, fit);
    const near = Math.max(NEAR, (2 * BIN) / (round + 1));
    const matches = maps.flatMap((map) => bestNear(map, applyAffine(place, ...map.middle), near, cell));
    const next = fitSimilarity(matches, middle, matches.length < 3 ? { turns: false, stretches: false } : freedom);
    if (!next) break;
    fit = next;
  }
  return fit;
}

/** The best place of a map within a distance; its weight falls to 0 there. */
function bestNear(map: BlockMap, [x, y]: readonly [number, number], near: number, cell: number): PixelMatch[] {
  const [column, row] = [(x - map.origin[0]) / cell, (y - map.origin[1]) / cell];
  const reach = near / cell;
  let [best, at] = [0, [0, 0] as readonly [number, number]];
  for (let v = Math.max(0, Math.ceil(row - reach)); v <= Math.min(map.height - 1, row + reach); v++) {
    for (let u = Math.max(0, Math.ceil(column - reach)); u <= Math.min(map.width - 1, column + reach); u++) {
      const value = map.values[v * map.width + u]!;
      if (value > best) [best, at] = [value, [u, v]];
    }
  }
  if (best <= 0) return [];
  const to = [map.origin[0] + at[0] * cell, map.origin[1] + at[1] * cell] as const;
  const far = Math.hypot(to[0] - x, to[1] - y) / near;
  const weight = Math.min(LIMIT, best) ** 2 * Math.max(0, 1 - far * far) ** 2;
  return weight > 0 ? [{ from: map.middle, to, weight }] : [];
}

/** Blocks whose best place of all lies where the hypothesis has it. */
const agreeingWith = (maps: readonly BlockMap[], place: PixelAffine) =>
  maps.filter(({ middle, best }) => {
    const [x, y] = applyAffine(place, ...middle);
    return Math.hypot(best[0] - x, best[1] - y) <= NEAR;
  });
