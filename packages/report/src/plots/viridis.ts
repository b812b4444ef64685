/** Colours of a map of values: Viridis (van der Walt, Smith, 2015), even in lightness and safe for the colour-blind. */

const VIRIDIS = ['#440154', '#46327e', '#365c8d', '#277f8e', '#1fa187', '#4ac16d', '#a0da39', '#fde725'];
const STOPS = VIRIDIS.map((hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));

/** The scale as CSS writes it. */
export const VIRIDIS_GRADIENT = `linear-gradient(to right, ${VIRIDIS.join(', ')})`;

/** Red, green, blue. @param share from 0, the darkest, to 1; beyond, these stay. */
export function viridis(share: number): [number, number, number] {
  const at = Math.min(Math.max(Number.isFinite(share) ? share : 0, 0), 1) * (STOPS.length - 1);
  const below = STOPS[Math.floor(at)]!;
  const above = STOPS[Math.ceil(at)]!;
  return below.map((value, k) => Math.round(value + (above[k]! - value) * (at % 1))) as [number, number, number];
}

export const cssOf = (rgb: readonly number[]): string => `rgb(${rgb.join(' ')})`;
