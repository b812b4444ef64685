/** Axes: positions of values, and their labels. Scales are d3's. */
import { scaleLinear, scaleLog } from 'd3-scale';

export interface Tick {
  value: number;
  /** Empty for a grid line without a label. */
  text: string;
}

export interface Axis {
  label: string;
  /** Position in pixels of a value between two ends; a value outside the domain is drawn at its edge. */
  place(value: number, range: readonly [number, number]): number;
  ticks: readonly Tick[];
}

export function linearAxis(
  label: string,
  domain: readonly [number, number],
  { ticks = 6, format }: { ticks?: number; format?: (value: number) => string } = {},
): Axis {
  const scale = scaleLinear().domain(domain).clamp(true);
  const write = format ?? scale.tickFormat(ticks);
  return {
    label,
    place: (value, range) => scale.copy().range(range)(value),
    ticks: scale.ticks(ticks).map((value) => ({ value, text: write(value).replace('-', '−') })),
  };
}

/** Shares from 0 to 1, written as 0, 0.2 … 1. */
export function shareAxis(label: string): Axis {
  return linearAxis(label, [0, 1], { ticks: 5 });
}

/**
 * A logarithmic axis; 0 lies at its lower edge. Labels at the powers of ten, grid lines between them; an axis with
 * fewer than two powers of ten has a label at every other grid line instead.
 */
export function logAxis(label: string, domain: readonly [number, number], format = defaultFormat): Axis {
  const scale = scaleLog().domain(domain).clamp(true);
  const [low, high] = domain;
  const values = scale.ticks().filter((value) => value >= low && value <= high);
  const isLong = values.filter(isPowerOfTen).length >= 2;
  const isLabelled = (value: number, i: number) => (isLong ? isPowerOfTen(value) : i % 2 === 0);
  return {
    label,
    place: (value, range) => scale.copy().range(range)(Math.max(value, low)),
    ticks: values.map((value, i) => ({ value, text: isLabelled(value, i) ? format(value) : '' })),
  };
}

function isPowerOfTen(value: number): boolean {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9;
}

function defaultFormat(value: number): string {
  return value >= 1e-3 && value < 1e4 ? String(Number(value.toPrecision(6))) : value.toExponential(0).replace('-', '−');
}

/** 0.001 → "0.1 %" */
export function percent(share: number, digits = 2): string {
  return `${Number((share * 100).toFixed(digits))} %`;
}
