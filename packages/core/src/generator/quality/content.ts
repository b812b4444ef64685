/**
 * What a made patch keeps of its source, pair by pair, beside what another source would give by chance:
 *
 * - correlation of means of 4 × 4 and 8 × 8 pixels, within each patch
 * - bright points: maxima of 3 × 3 means above 2.2 deviations, kept if 60 % of their contrast is within 2 pixels
 * - edges: the steepest tenth of gradients at scale 2, kept within 30° and above half their length
 */
import { momentsOf } from '../../base/moments.ts';
import { gaussian } from '../../localisation/gaussian.ts';
import { blockMeans } from '../block_means.ts';
import { type PatchStack, patchAt } from '../patch_stack.ts';
import { boxMeans, maxima, sobel } from './filters.ts';

export interface Content {
  /** Mean correlations within patches. */
  means4: number;
  means8: number;
  /** Shares of the sources' edges and bright points that are there. */
  edges: number;
  points: number;
}

/** Row i of `made` beside row i of `sources`. */
export function contentKept(sources: PatchStack, made: PatchStack): Content {
  return compare(sources, made, (row) => row);
}

/** Row i beside the source of another row. */
export function contentByChance(sources: PatchStack, made: PatchStack): Content {
  return compare(sources, made, (row) => (row + 1) % made.count);
}

function compare(sources: PatchStack, made: PatchStack, other: (row: number) => number): Content {
  const { side, count } = sources;
  const sums = { means4: 0, means8: 0 };
  const found = { edges: [0, 0], points: [0, 0] };
  for (let row = 0; row < count; row++) {
    const [a, b] = [patchAt(sources, row), patchAt(made, other(row))];
    sums.means4 += correlation(blockMeans(a, side, 4), blockMeans(b, side, 4)) / count;
    sums.means8 += correlation(blockMeans(a, side, 8), blockMeans(b, side, 8)) / count;
    add(found.edges, edgesKept(a, b, side));
    add(found.points, pointsKept(a, b, side));
  }
  const share = ([kept, all]: number[]) => (all! > 0 ? kept! / all! : Number.NaN);
  return { ...sums, edges: share(found.edges), points: share(found.points) };
}

function add(sums: number[], [kept, all]: [number, number]): void {
  sums[0]! += kept;
  sums[1]! += all;
}

function correlation(a: Float32Array, b: Float32Array): number {
  const [first, second] = [momentsOf(a), momentsOf(b)];
  let product = 0;
  for (let i = 0; i < a.length; i++) product += (a[i]! - first.mean) * (b[i]! - second.mean);
  return product / a.length / Math.max(first.std * second.std, 1e-9);
}

function edgesKept(source: Float32Array, made: Float32Array, side: number): [number, number] {
  const [a, b] = [source, made].map((patch) => sobel(gaussian(patch, side, side, 1, 2), side));
  const length = (gradient: Float32Array[], i: number) => Math.hypot(gradient[0]![i]!, gradient[1]![i]!);
  const lengths = Float32Array.from(source, (_, i) => length(a!, i));
  const limit = lengths.slice().sort()[Math.floor(0.9 * lengths.length)]!;
  let [kept, all] = [0, 0];
  for (let i = 0; i < lengths.length; i++) {
    if (lengths[i]! < limit) continue;
    all++;
    const other = length(b!, i);
    const dot = a![0]![i]! * b![0]![i]! + a![1]![i]! * b![1]![i]!;
    if (dot > Math.cos(Math.PI / 6) * lengths[i]! * other && other > 0.5 * lengths[i]!) kept++;
  }
  return [kept, all];
}

function pointsKept(source: Float32Array, made: Float32Array, side: number): [number, number] {
  const [a, b] = [boxMeans(source, side, 1), boxMeans(made, side, 1)];
  const [low, other] = [median(a), median(b)];
  const limit = low + 2.2 * momentsOf(a).std;
  const [peaks, near] = [maxima(a, side, 4), maxima(b, side, 2)];
  let [kept, all] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    if (a[i]! !== peaks[i]! || a[i]! <= limit) continue;
    all++;
    if (near[i]! - other >= 0.6 * (a[i]! - low)) kept++;
  }
  return [kept, all];
}

const median = (values: Float32Array): number => values.slice().sort()[values.length >> 1]!;
