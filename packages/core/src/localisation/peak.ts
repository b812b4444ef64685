/** Peak of a correlation map: where it lies, to a part of a cell, and how far it stands out. */
import { momentsOf } from '../base/moments.ts';
import type { CorrelationMap } from './correlation.ts';

export interface Peak {
  /** Place of the template's upper left cell, in cells of the map. */
  row: number;
  column: number;
  /** Correlation at the highest cell. */
  value: number;
  /** (peak − highest value away from it) / standard deviation of the map. */
  ratio: number;
  /** True if the highest cell lies on the rim: the peak may lie beyond. */
  isOnRim: boolean;
}

/** @param apart cells from the peak beyond which another one counts as its rival. */
export function peakOf(map: CorrelationMap, apart: number): Peak {
  const { values, width, height } = map;
  const best = values.reduce((at, value, i) => (value > values[at]! ? i : at), 0);
  const [row, column] = [Math.floor(best / width), best % width];
  const isOnRim = row === 0 || column === 0 || row === height - 1 || column === width - 1;
  const value = values[best]!;
  let rival = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const distance = Math.hypot(Math.floor(i / width) - row, (i % width) - column);
    if (distance > apart && values[i]! > rival) rival = values[i]!;
  }
  const { std } = momentsOf(values);
  return {
    row: row + (isOnRim ? 0 : vertex(values[best - width]!, value, values[best + width]!)),
    column: column + (isOnRim ? 0 : vertex(values[best - 1]!, value, values[best + 1]!)),
    value,
    ratio: std > 0 && Number.isFinite(rival) ? (value - rival) / std : 0,
    isOnRim,
  };
}

/** Vertex of the parabola through three values, of which the middle one is highest: in [−½, ½]. */
function vertex(before: number, middle: number, after: number): number {
  const curvature = before - 2 * middle + after;
  return curvature < 0 ? (before - after) / (2 * curvature) : 0;
}
