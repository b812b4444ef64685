/**
 * Gives a made patch the speckle of its source. A decoder draws the ground and little of the speckle, which no latent vector
 * holds; a matcher could recognise made patches by that alone.
 *
 * With local mean m and deviation s (5 × 5), the source is x = m(x) + s(x)·n. Its noise n, moved by a cyclic shift and a flip
 * so that it carries nothing of the place, is added to the made patch g as strongly as speckle is at that brightness in
 * the source, s ≈ a + b·m:
 *
 *   g' = m(g) + (a + b·m(g))·n'
 */
import { Rng } from '../base/random.ts';

/** Half the window of 5 × 5 pixels. */
const REACH = 2;

/** @param draw seed of shift and flip. Both patches have side · side samples. */
export function matchSpeckle(patch: Float32Array, source: Float32Array, side: number, draw: number): Float32Array {
  const own = localMoments(source, side);
  const strength = strengthByBrightness(own);
  const from = moved(side, draw);
  const noise = (pixel: number) => (source[pixel]! - own.mean[pixel]!) / Math.max(own.deviation[pixel]!, 1e-6);
  const { mean } = localMoments(patch, side);
  return Float32Array.from(mean, (value, pixel) => value + strength(value) * noise(from(pixel)));
}

interface Moments {
  mean: Float32Array;
  deviation: Float32Array;
}

/** Local moments over the window, which is cut off at the edge. */
function localMoments(patch: Float32Array, side: number): Moments {
  const mean = new Float32Array(patch.length);
  const deviation = new Float32Array(patch.length);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let [sum, squares, count] = [0, 0, 0];
      for (let v = Math.max(y - REACH, 0); v <= Math.min(y + REACH, side - 1); v++) {
        for (let u = Math.max(x - REACH, 0); u <= Math.min(x + REACH, side - 1); u++) {
          const value = patch[v * side + u]!;
          sum += value;
          squares += value * value;
          count++;
        }
      }
      const centre = sum / count;
      mean[y * side + x] = centre;
      deviation[y * side + x] = Math.sqrt(Math.max(squares / count - centre * centre, 0));
    }
  }
  return { mean, deviation };
}

/** Least-squares line of the deviation on the mean, at least a tenth of the mean deviation. */
function strengthByBrightness({ mean, deviation }: Moments): (value: number) => number {
  const n = mean.length;
  const centre = mean.reduce((sum, value) => sum + value, 0) / n;
  const usual = deviation.reduce((sum, value) => sum + value, 0) / n;
  let [covariance, variance] = [0, 0];
  for (let i = 0; i < n; i++) {
    covariance += (mean[i]! - centre) * (deviation[i]! - usual);
    variance += (mean[i]! - centre) ** 2;
  }
  const slope = variance > 0 ? covariance / variance : 0;
  return (value) => Math.max(usual + slope * (value - centre), usual / 10);
}

/** Source of each pixel's noise: shifted by at least a quarter of the side, and mirrored in half of the draws. */
function moved(side: number, draw: number): (pixel: number) => number {
  const rng = Rng.derive(draw, 'moved speckle');
  const quarter = Math.floor(side / 4);
  const [down, right] = [quarter + rng.int(side - 2 * quarter), quarter + rng.int(side - 2 * quarter)];
  const isMirrored = rng.int(2) === 1;
  return (pixel) => {
    const [y, x] = [Math.floor(pixel / side), pixel % side];
    const column = (x + right) % side;
    return ((y + down) % side) * side + (isMirrored ? side - 1 - column : column);
  };
}
