/**
 * Whether SAR and optical scene look exchanged, by the matcher: each of its towers was trained on one sensor, so that features
 * agree far better where each scene goes through its own. Needs no unit, no band and no statistics of the samples.
 */
import { pause } from '../base/pause.ts';
import { correlationMap } from '../localisation/correlation.ts';
import { cropFeatures, type FeatureMap } from '../localisation/feature_map.ts';
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import { knownShare } from './chunk.ts';
import { clippedTo } from './coarse.ts';
import { FeatureSource } from './feature_source.ts';
import type { FeatureKind } from './features.ts';
import type { ReadWindow } from './levels.ts';
import { pooledFeatures } from './pooled.ts';
import type { ScenePair } from './scene_pair.ts';

export interface Sources {
  readonly sar: FeatureSource;
  readonly optical: FeatureSource;
}

/** Features of both scenes in one frame, and how far the ground is expected to lie from its pixels. */
export interface PlacedSources extends Sources {
  /** Pixels of the optical source from those of the frame, multiples of 8. */
  readonly offset: readonly [columns: number, rows: number];
  /** Pixels of the optical source beyond which nothing is known; default: none. */
  readonly limits?: RasterWindow | undefined;
  readonly expected: readonly [column: number, row: number];
}

/** Mean correlations of blocks at the best place that they have in common. */
export interface RoleAgreement {
  readonly named: number;
  readonly exchanged: number;
}

/** The same pixels, of which those of the optical scene are read as a SAR scene's would be: its first band. */
export const exchangedPair = (pair: ScenePair): ScenePair => ({
  ...pair,
  through(hypothesis) {
    const { read, place } = pair.through(hypothesis);
    return { place, read: async (window) => firstBand(await read(window)) };
  },
});

/** Features of both scenes, each through the tower of the other sensor. @param optical of an exchanged pair. */
export const exchangedSources = (kind: FeatureKind, sar: ReadWindow, optical: ReadWindow): Sources => ({
  sar: new FeatureSource(kind, 'optical', sar),
  optical: new FeatureSource(kind, 'sar', optical),
});

function firstBand(raster: Raster): Raster {
  const { bands, width, height } = raster;
  if (bands === 1) return raster;
  const data = Float32Array.from({ length: width * height }, (_, pixel) => raster.data[pixel * bands]!);
  return { ...raster, data, bands: 1 };
}

/**
 * Times by which exchanged roles must agree better than those that are named, and how well at least. Of pairs of the training
 * and validation split the right roles agree 2.4 times as well as the wrong ones or better (docs/registration.md).
 */
const [BETTER, LEAST] = [1.5, 0.03];

const isClear = ({ named, exchanged }: RoleAgreement) => exchanged >= LEAST && exchanged > BETTER * named;

/** Evidence for exchanged roles, in words; undefined where it is too little. */
export function exchangedEvidence({ named, exchanged }: RoleAgreement): string | undefined {
  if (!isClear({ named, exchanged })) return undefined;
  return `the matcher finds a correlation of ${exchanged.toFixed(3)} with the two exchanged, ${named.toFixed(3)} as they are`;
}

/** Sides in pixels: of a window, of a block of it, and what is searched around the expected place. */
const [SIDE, BLOCK, SEARCH] = [256, 128, 16];
/** Windows that are compared, and the share of each that must be known. */
const [WINDOWS, KNOWN] = [2, 0.75];
/** Pixels of a cell. */
const CELL = 4;

/**
 * Compares the roles as named with the exchanged ones on some windows of the grid.
 *
 * @returns undefined where no window is known in both scenes.
 */
export async function compareRoles(
  named: PlacedSources,
  exchanged: PlacedSources,
  area: { readonly width: number; readonly height: number },
  signal?: AbortSignal,
): Promise<RoleAgreement | undefined> {
  const [a, b]: [number[], number[]] = [[], []];
  for (const window of windowsOf(area)) {
    if (a.length === WINDOWS) break;
    await pause(signal);
    const ours = await agreement(named, window, signal);
    const theirs = ours === undefined ? undefined : await agreement(exchanged, window, signal);
    if (ours === undefined || theirs === undefined) continue;
    a.push(ours);
    b.push(theirs);
    if (isClear({ named: theirs, exchanged: ours })) break; // the roles as named: most pairs cost one window
  }
  return a.length > 0 ? { named: mean(a), exchanged: mean(b) } : undefined;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Windows of a grid from its middle to its corners, of which neighbours share nothing where there is room. */
function windowsOf({ width, height }: { width: number; height: number }): RasterWindow[] {
  const side = Math.floor(Math.min(SIDE, width, height) / 16) * 16;
  if (side === 0) return [];
  const at = (share: number, length: number) => Math.floor((share * (length - side)) / 8) * 8;
  const places = [0.25, 0.75, 0.5, 0, 1].flatMap((u) => [0.25, 0.75, 0.5, 0, 1].map((v) => [u, v] as const));
  const sorted = places.sort((p, q) => Number(p[0] !== p[1]) - Number(q[0] !== q[1])); // one diagonal first
  const windows = sorted.map(([u, v]) => ({ column: at(u, width), row: at(v, height), width: side, height: side }));
  return windows.filter((w, i) => windows.findIndex((each) => each.column === w.column && each.row === w.row) === i);
}

/** Mean correlation of a window's blocks at their best common place; undefined where too little is known. */
async function agreement(
  { sar, optical, offset, limits, expected }: PlacedSources,
  window: RasterWindow,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const [dx, dy] = expected.map((each, axis) => Math.round(each / 8) * 8 + offset[axis as 0 | 1]) as [number, number];
  const around = {
    ...{ column: window.column + dx - SEARCH, row: window.row + dy - SEARCH },
    ...{ width: window.width + 2 * SEARCH, height: window.height + 2 * SEARCH },
  };
  if (limits && !isInside(around, limits)) return undefined;
  const templates = await pooledFeatures(sar, window, CELL, signal);
  if (knownShare(templates) < KNOWN) return undefined;
  const ground = await pooledFeatures(optical, around, CELL, signal);
  return knownShare(ground) < KNOWN ? undefined : commonPeak(templates, ground);
}

function isInside(window: RasterWindow, limits: RasterWindow): boolean {
  const { width, height } = clippedTo(window, limits);
  return width >= window.width && height >= window.height;
}

async function commonPeak(templates: FeatureMap, ground: FeatureMap): Promise<number> {
  const side = Math.min(BLOCK / CELL, templates.width);
  const reach = (2 * SEARCH) / CELL;
  const sum = new Float64Array((reach + 1) ** 2);
  const steps = Array.from({ length: Math.floor(templates.width / side) }, (_, i) => i * side);
  for (const row of steps) {
    for (const column of steps) {
      const block = cropFeatures(templates, column, row, side, side);
      const { values } = await correlationMap(block, cropFeatures(ground, column, row, side + reach, side + reach));
      for (const [i, value] of values.entries()) sum[i]! += value;
    }
  }
  return Math.max(...sum) / steps.length ** 2;
}
