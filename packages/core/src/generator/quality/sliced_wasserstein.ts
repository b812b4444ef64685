/**
 * Sliced Wasserstein distance between two sets of patches, for each level of a Laplacian pyramid: the difference
 * between the distributions of their 7 × 7 neighbourhoods. T. Karras, T. Aila, S. Laine and J. Lehtinen, Progressive
 * Growing of GANs for Improved Quality, Stability, and Variation, ICLR 2018, section 5.
 *
 * Neighbourhoods are drawn from each patch of a level and standardised by the mean and standard deviation of the whole
 * set, each set by its own. They are projected on random directions; sorted, two sets are compared value by value:
 *
 *   SWD = 10³ · mean over directions of mean |a₍ᵢ₎ − b₍ᵢ₎|
 *
 * As the contrast of a level is divided away, it is given beside the distance.
 */
import { pause } from '../../base/pause.ts';
import { Rng } from '../../base/random.ts';
import { type PatchStack, patchAt } from '../patch_stack.ts';
import { laplacianPyramid, pyramidSides } from './laplacian_pyramid.ts';

const NEIGHBOURHOOD = 7;
const SIZE = NEIGHBOURHOOD ** 2;
const REACH = (NEIGHBOURHOOD - 1) / 2;
/** Directions projected on at a time: bounds the memory and the delay of Ctrl-C. */
const DIRECTIONS_AT_ONCE = 16;

export const SLICED_DEFAULTS = {
  /** Neighbourhoods of a patch and level, as in the paper. */
  neighbourhoods: 128,
  /** Maximum number of neighbourhoods of a set in a level; each patch then gives fewer. */
  maxNeighbourhoods: 32_768,
  /** 512 in the paper; all sets share them. */
  directions: 256,
  seed: 1,
} as const;

export interface SlicedOptions {
  neighbourhoods?: number;
  maxNeighbourhoods?: number;
  directions?: number;
  seed?: number;
  signal?: AbortSignal | undefined;
  /** Shares of the work done. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface SlicedDistances<Name extends string = string> {
  /** Sides of the levels, the finest first. */
  sides: number[];
  /** Standard deviation of the values at each level, in the unit of the patches. */
  contrast: Record<Name, number[]>;
  /** Distances × 10³ of each pair of sets, one a level. */
  distances: number[][];
}

/** Distance between two sets of equal size. @returns one distance a level, × 10³, the finest first. */
export async function slicedWasserstein(a: PatchStack, b: PatchStack, options: SlicedOptions = {}): Promise<number[]> {
  const { distances } = await slicedDistances({ a, b }, [['a', 'b']], options);
  return distances[0]!;
}

/**
 * Distances between several pairs of sets, which share directions and are projected once.
 *
 * @param sets of the same side and as many patches each: with fewer, a distance is larger by chance alone.
 * @throws the signal's reason when it is aborted.
 */
export async function slicedDistances<Name extends string>(
  sets: Readonly<Record<Name, PatchStack>>,
  pairs: readonly (readonly [Name, Name])[],
  options: SlicedOptions = {},
): Promise<SlicedDistances<Name>> {
  const settings = { ...SLICED_DEFAULTS, ...options };
  const names = Object.keys(sets) as Name[];
  const { side, count } = sets[names[0]!];
  for (const name of names) requireLike(sets[name], side, count, name);
  const each = Math.max(1, Math.min(settings.neighbourhoods, Math.floor(settings.maxNeighbourhoods / count)));
  const sides = pyramidSides(side);
  const contrast = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  const distances: number[][] = pairs.map(() => []);
  for (const level of sides.keys()) {
    const samples = new Map<Name, Float32Array>();
    for (const name of names) {
      await pause(options.signal);
      const drawn = neighbourhoodsOf(sets[name], level, each, Rng.derive(settings.seed, 'neighbourhoods', level, name));
      contrast[name].push(standardise(drawn));
      samples.set(name, drawn);
    }
    const sums = pairs.map(() => 0);
    for (let first = 0; first < settings.directions; first += DIRECTIONS_AT_ONCE) {
      const some = Math.min(DIRECTIONS_AT_ONCE, settings.directions - first);
      const directions = Array.from({ length: some }, (_, i) =>
        unitVector(Rng.derive(settings.seed, 'direction', level, first + i)),
      );
      const sorted = new Map<Name, Float32Array[]>();
      for (const name of names) {
        await pause(options.signal);
        sorted.set(
          name,
          directions.map((direction) => project(samples.get(name)!, direction).sort()),
        );
      }
      pairs.forEach(([a, b], i) => {
        for (let d = 0; d < some; d++) sums[i]! += meanDifference(sorted.get(a)![d]!, sorted.get(b)![d]!);
      });
      options.onProgress?.(level * settings.directions + first + some, sides.length * settings.directions);
    }
    sums.forEach((sum, i) => {
      distances[i]!.push((1000 * sum) / settings.directions);
    });
  }
  return { sides, contrast, distances };
}

function requireLike(stack: PatchStack, side: number, count: number, name: string): void {
  if (stack.side === side && stack.count === count && count > 0) return;
  throw new RangeError(`${name} has ${stack.count} patches of side ${stack.side}, not ${count} of ${side}`);
}

/** [count · each, 49] of one level. */
function neighbourhoodsOf(stack: PatchStack, level: number, each: number, rng: Rng): Float32Array {
  const out = new Float32Array(stack.count * each * SIZE);
  let at = 0;
  for (let row = 0; row < stack.count; row++) {
    const { data, side } = laplacianPyramid(patchAt(stack, row), stack.side)[level]!;
    for (let draw = 0; draw < each; draw++) {
      const left = rng.int(side - 2 * REACH);
      const top = rng.int(side - 2 * REACH);
      for (let y = 0; y < NEIGHBOURHOOD; y++) {
        for (let x = 0; x < NEIGHBOURHOOD; x++) out[at++] = data[(top + y) * side + left + x]!;
      }
    }
  }
  return out;
}

/** Standardises in place; a constant becomes zeros. @returns the standard deviation before. */
function standardise(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  const deviation = Math.sqrt(squares / values.length);
  // The rest of a flat level is rounding, not structure.
  const scale = deviation > 1e-6 * Math.max(1, Math.abs(mean)) ? 1 / deviation : 0;
  for (let i = 0; i < values.length; i++) values[i] = (values[i]! - mean) * scale;
  return deviation;
}

function unitVector(rng: Rng): Float64Array {
  const vector = Float64Array.from({ length: SIZE }, () => rng.normal());
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function project(samples: Float32Array, direction: Float64Array): Float32Array {
  const out = new Float32Array(samples.length / SIZE);
  for (let i = 0, at = 0; i < out.length; i++) {
    let sum = 0;
    for (let k = 0; k < SIZE; k++) sum += samples[at++]! * direction[k]!;
    out[i] = sum;
  }
  return out;
}

function meanDifference(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}
