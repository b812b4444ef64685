/** Small image filters of square patches; beyond the edge, patches are mirrored. */

const mirrored = (position: number, side: number): number => {
  if (position < 0) return -position - 1;
  return position < side ? position : 2 * side - 1 - position;
};

type Combine = (values: (offset: number) => number) => number;

/** Applies one combination of neighbours along rows, then along columns. */
function separable(patch: Float32Array, side: number, combine: Combine): Float32Array {
  const across = new Float32Array(patch.length);
  const out = new Float32Array(patch.length);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++)
      across[y * side + x] = combine((offset) => patch[y * side + mirrored(x + offset, side)]!);
  }
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++)
      out[y * side + x] = combine((offset) => across[mirrored(y + offset, side) * side + x]!);
  }
  return out;
}

/** Means over (2 · reach + 1)² pixels. */
export const boxMeans = (patch: Float32Array, side: number, reach: number): Float32Array =>
  separable(patch, side, (values) => {
    let sum = 0;
    for (let offset = -reach; offset <= reach; offset++) sum += values(offset) / (2 * reach + 1);
    return sum;
  });

/** Maxima over (2 · reach + 1)² pixels. */
export const maxima = (patch: Float32Array, side: number, reach: number): Float32Array =>
  separable(patch, side, (values) => {
    let most = values(0);
    for (let offset = -reach; offset <= reach; offset++) most = Math.max(most, values(offset));
    return most;
  });

/** Gradients along rows and columns by Sobel. */
export function sobel(patch: Float32Array, side: number): [down: Float32Array, right: Float32Array] {
  const at = (y: number, x: number) => patch[mirrored(y, side) * side + mirrored(x, side)]!;
  const gradient = (value: (y: number, x: number) => number) =>
    Float32Array.from(patch, (_, i) => value(Math.floor(i / side), i % side));
  const weights = [1, 2, 1];
  const sum = (value: (k: number) => number) => weights.reduce((total, weight, k) => total + weight * value(k - 1), 0);
  return [
    gradient((y, x) => sum((k) => at(y + 1, x + k) - at(y - 1, x + k))),
    gradient((y, x) => sum((k) => at(y + k, x + 1) - at(y + k, x - 1))),
  ];
}
