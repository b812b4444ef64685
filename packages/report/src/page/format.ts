/** Formats of numbers in a report: per cent to a tenth, areas to three places, undefined as a dash. */
import type { Interval } from '@doppel/core/evaluation';

export type Format = (value: number) => string;

/** Stands where a value is unknown or undefined. */
export const UNKNOWN = '–';

export const percentage: Format = (value) =>
  Number.isNaN(value) ? UNKNOWN : `${(value * 100).toFixed(1).replace('-', '−')} %`;
export const fraction: Format = (value) => (Number.isNaN(value) ? UNKNOWN : value.toFixed(3));
export const count: Format = (value) => value.toLocaleString('en');

/** "91.0–95.1 %", the unit once. */
export function interval(range: Interval | null, format: Format): string {
  if (range === null) return UNKNOWN;
  const [low, high] = range.map(format) as [string, string];
  return low.endsWith(' %') ? `${low.slice(0, -2)}–${high}` : `${low}–${high}`;
}

/** "1 pair", "3 pairs" */
export function plural(amount: number, noun: string): string {
  return `${count(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}
