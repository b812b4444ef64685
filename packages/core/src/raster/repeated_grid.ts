/**
 * Rows or columns that nearly repeat at a fixed pace: the trace of an image that was enlarged to another projection by
 * the nearest pixel. Where an image is enlarged by s, 1 < s < 2, each row is repeated in a share 1 − 1/s of the steps, so
 * that the differences of neighbouring rows swing with that frequency.
 */

export type Axis = 'rows' | 'columns';

export interface RepeatedGrid {
  /** Cycles per pixel, above 0 and at most 0.5: the share of rows that repeat, or one minus it. */
  frequency: number;
  /** Amplitude of the swing over the mean difference. */
  strength: number;
}

/**
 * Mean absolute difference of each row (or column) to the next: [height − 1] (or [width − 1]). NaN in the values is left
 * out; NaN where no difference is left.
 */
export function differenceProfile(values: ArrayLike<number>, width: number, height: number, axis: Axis): Float64Array {
  const [along, across] = axis === 'rows' ? [height, width] : [width, height];
  const [step, next] = axis === 'rows' ? [width, 1] : [1, width];
  return Float64Array.from({ length: along - 1 }, (_, i) => {
    let [sum, count] = [0, 0];
    for (let j = 0; j < across; j++) {
      const difference = Math.abs(values[(i + 1) * step + j * next]! - values[i * step + j * next]!);
      if (Number.isNaN(difference)) continue;
      sum += difference;
      count++;
    }
    return sum / count;
  });
}

/** Mean and number of the values that are not NaN. */
function meanOf(profile: Float64Array): { mean: number; valid: number } {
  const values = profile.filter((value) => !Number.isNaN(value));
  return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, valid: values.length };
}

/** Frequencies that are tried: 0.05 to 0.5 cycles per pixel. */
const FREQUENCIES = Float64Array.from({ length: 451 }, (_, i) => 0.05 + i / 1000);
/** Least power of a peak over the median: chance peaks are lower, the more profiles there are. */
const distinct = (profiles: number): number => 1 + 10 / Math.sqrt(profiles);
/** Least amplitude over the mean difference. */
const STRONG = 0.05;

/** Looks for a repeated grid in the difference profiles of patches of one scene, wherever they lie in it. */
export class GridFinder {
  private readonly power = new Float64Array(FREQUENCIES.length);
  private profiles = 0;

  /** @param profile NaN in it is left out. */
  add(profile: Float64Array): void {
    const { mean, valid } = meanOf(profile);
    if (!(mean > 0)) return;
    this.profiles++;
    FREQUENCIES.forEach((frequency, i) => {
      let [re, im] = [0, 0];
      for (let y = 0; y < profile.length; y++) {
        if (Number.isNaN(profile[y])) continue;
        const value = profile[y]! / mean - 1;
        re += value * Math.cos(2 * Math.PI * frequency * y);
        im += value * Math.sin(2 * Math.PI * frequency * y);
      }
      this.power[i]! += (re * re + im * im) / valid ** 2;
    });
  }

  /** The grid with the greatest swing; undefined where none is distinct. */
  find(): RepeatedGrid | undefined {
    if (this.profiles === 0) return undefined;
    const peak = this.power.reduce((best, value, i) => (value > this.power[best]! ? i : best), 0);
    const floor = [...this.power].sort((a, b) => a - b)[this.power.length >> 1]!;
    const strength = 2 * Math.sqrt(Math.max(0, this.power[peak]! - floor) / this.profiles);
    const isDistinct = this.power[peak]! > distinct(this.profiles) * floor && strength >= STRONG;
    return isDistinct ? { frequency: FREQUENCIES[peak]!, strength } : undefined;
  }
}

/** Patches of a place that its grid is looked for in. */
export const GRID_PATCHES = 24;

/** Looks for the repeated grid of a place along both axes. */
export class PlaceGridFinder {
  private readonly rows = new GridFinder();
  private readonly columns = new GridFinder();
  private count = 0;

  /** Patches that were added. */
  get patches(): number {
    return this.count;
  }

  /** @param values of a patch; NaN where they are missing. */
  add(values: ArrayLike<number>, width: number, height: number): void {
    this.count++;
    this.rows.add(differenceProfile(values, width, height, 'rows'));
    this.columns.add(differenceProfile(values, width, height, 'columns'));
  }

  find(): { rows: RepeatedGrid | undefined; columns: RepeatedGrid | undefined } {
    return { rows: this.rows.find(), columns: this.columns.find() };
  }
}

/** Multiples of the frequency that a profile is smoothed to: repeats come in pulses. */
const HARMONICS = [1, 2, 3];

/** Slowest step of a warp, over the mean one: rows that repeat are never quite the same. */
const SLOWEST = 0.05;

/**
 * Positions at which to read an even texture so that its neighbouring rows differ as those of a profile do: as many as
 * rows, their mean step 1. The profile is smoothed to its mean and three harmonics of the grid.
 */
export function warpedPositions(profile: Float64Array, frequency: number): Float64Array {
  const { length } = profile;
  const { mean } = meanOf(profile);
  const steps = new Float64Array(length).fill(1);
  if (mean > 0) {
    for (const harmonic of HARMONICS) addHarmonic(steps, profile, mean, 2 * Math.PI * frequency * harmonic);
  }
  const positions = new Float64Array(length + 1);
  for (let y = 0; y < length; y++) positions[y + 1] = positions[y]! + Math.max(SLOWEST, steps[y]!);
  const pace = length / positions[length]!;
  return positions.map((position) => position * pace);
}

function addHarmonic(steps: Float64Array, profile: Float64Array, mean: number, angle: number): void {
  const { length } = profile;
  let [re, im] = [0, 0];
  for (let y = 0; y < length; y++) {
    if (Number.isNaN(profile[y])) continue;
    re += (profile[y]! / mean - 1) * Math.cos(angle * y);
    im += (profile[y]! / mean - 1) * Math.sin(angle * y);
  }
  for (let y = 0; y < length; y++) {
    steps[y]! += (2 / length) * (re * Math.cos(angle * y) + im * Math.sin(angle * y));
  }
}
