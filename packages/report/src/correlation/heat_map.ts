/** Values of a map as colours: dark where they are low, yellow where they are high. */
import { scaleLinear } from 'd3-scale';
import { encode } from 'fast-png';

/** Colours of Viridis (van der Walt, Smith, 2015), even in lightness and safe for the colour-blind, at even steps. */
const VIRIDIS = ['#440154', '#46327e', '#365c8d', '#277f8e', '#1fa187', '#4ac16d', '#a0da39', '#fde725'];

export interface Heat {
  /** [height, width] */
  readonly values: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

/** A PNG with one pixel a value. @param range values of the darkest and the brightest colour; beyond it, these stay. */
export function heatMap({ values, width, height }: Heat, [low, high]: readonly [number, number]): Uint8Array {
  const stops = VIRIDIS.map((_, i) => low + ((high - low) * i) / (VIRIDIS.length - 1));
  const colour = scaleLinear<string>().domain(stops).range(VIRIDIS).clamp(true);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    data.set(colour(values[i]!).match(/\d+/g)!.map(Number), i * 3);
  }
  return encode({ width, height, data, channels: 3, depth: 8 });
}

/** The scale of the colours as a gradient of CSS. */
export const HEAT_GRADIENT = `linear-gradient(to right, ${VIRIDIS.join(', ')})`;
