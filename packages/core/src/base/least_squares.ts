/** Linear least squares by the normal equations: for few unknowns, on values that were centred and scaled. */
import { LuDecomposition, Matrix } from 'ml-matrix';

/** Pivot, relative to the largest one, below which unknowns are not determined by any arithmetic. */
const SINGULAR = 1e-11;

/**
 * @param rows [equations, unknowns] @param values [equations, right-hand sides] @param spread mean square that each term
 * must keep beside the others: points nearly on a line say nothing of what lies off it.
 * @returns [unknowns, right-hand sides]; undefined where the equations do not determine the unknowns.
 */
export function leastSquares(
  rows: readonly (readonly number[])[],
  values: readonly (readonly number[])[],
  spread = 0,
): number[][] | undefined {
  const size = rows[0]?.length ?? 0;
  if (rows.length < size || size === 0) return undefined;
  const sides = values[0]!.length;
  const zeros = (columns: number) => Array.from({ length: size }, () => new Float64Array(columns));
  const [normal, right] = [zeros(size), zeros(sides)];
  for (const [k, row] of rows.entries()) {
    const value = values[k]!;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) normal[i]![j]! += row[i]! * row[j]!;
      for (let s = 0; s < sides; s++) right[i]![s]! += row[i]! * value[s]!;
    }
  }
  for (let i = 0; i < size; i++) for (let j = i + 1; j < size; j++) normal[i]![j] = normal[j]![i]!;
  return solveSystem(new Matrix(normal), new Matrix(right), spread * rows.length)?.to2DArray();
}

/** Solution of a square system; undefined where it is singular, or a pivot is below `least`. */
export function solveSystem(matrix: Matrix, right: Matrix, least = 0): Matrix | undefined {
  const decomposition = new LuDecomposition(matrix);
  const pivots = decomposition.upperTriangularMatrix.diagonal().map(Math.abs);
  const isSingular = !(Math.min(...pivots) > Math.max(least, SINGULAR * Math.max(...pivots)));
  return isSingular ? undefined : decomposition.solve(right);
}
