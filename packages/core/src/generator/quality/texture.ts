/** Fine texture of a set of patches: what is left of them after the means of 9 × 9 pixels are taken off. */
import { type PatchStack, patchAt } from '../patch_stack.ts';
import { boxMeans } from './filters.ts';

const LAGS = [1, 2, 3] as const;

export interface Texture {
  /** Root mean square of what is left. */
  deviation: number;
  /** Its autocorrelation at 1, 2 and 3 pixels along rows and columns. */
  across: number[];
  down: number[];
}

export function textureOf(stack: PatchStack): Texture {
  const { side, count } = stack;
  let [power, samples] = [0, 0];
  const sums = { across: LAGS.map(() => ({ sum: 0, count: 0 })), down: LAGS.map(() => ({ sum: 0, count: 0 })) };
  for (let row = 0; row < count; row++) {
    const patch = patchAt(stack, row);
    const means = boxMeans(patch, side, 4);
    const left = patch.map((value, i) => value - means[i]!);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const value = left[y * side + x]!;
        power += value * value;
        samples++;
        LAGS.forEach((lag, i) => {
          if (x + lag < side) addTo(sums.across[i]!, value * left[y * side + x + lag]!);
          if (y + lag < side) addTo(sums.down[i]!, value * left[(y + lag) * side + x]!);
        });
      }
    }
  }
  const variance = power / samples;
  const correlations = (of: { sum: number; count: number }[]) => of.map(({ sum, count }) => sum / count / variance);
  return { deviation: Math.sqrt(variance), across: correlations(sums.across), down: correlations(sums.down) };
}

function addTo(total: { sum: number; count: number }, value: number): void {
  total.sum += value;
  total.count++;
}
