/** Peak of a correlation map, in pixels from the middle. */
import type { Correlation } from '../worker/correlation.ts';

export interface CorrelationPeak {
  value: number;
  right: number;
  down: number;
}

export function peakOf({ values, width, stride, reach }: Correlation): CorrelationPeak {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  const place = (cells: number) => cells * stride - reach;
  return { value: values[best]!, right: place(best % width), down: place(Math.floor(best / width)) };
}

/** Lowest and highest value, apart by 0.01 at least. */
export function rangeOf(values: Float32Array): [low: number, high: number] {
  let [low, high] = [values[0] ?? 0, values[0] ?? 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, Math.max(high, low + 0.01)];
}
