/** Linear least squares by the normal equations: the systems of a registration are small and centred. */
import { LuDecomposition, Matrix } from 'ml-matrix';

/** Pivot, relative to the largest one, below which unknowns are not determined. */
const SINGULAR = 1e-11;

/**
 * @param rows [equations, unknowns] @param values [equations, right-hand sides]
 * @returns [unknowns, right-hand sides]; undefined where the equations do not determine the unknowns.
 */
export function leastSquares(
  rows: readonly (readonly number[])[],
  values: readonly (readonly number[])[],
): number[][] | undefined {
  const size = rows[0]?.length ?? 0;
  if (rows.length < size || size === 0) return undefined;
  const sides = values[0]!.length;
  const [normal, right] = [Matrix.zeros(size, size), Matrix.zeros(size, sides)];
  rows.forEach((row, k) => {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) normal.set(i, j, normal.get(i, j) + row[i]! * row[j]!);
      for (let s = 0; s < sides; s++) right.set(i, s, right.get(i, s) + row[i]! * values[k]![s]!);
    }
  });
  for (let i = 0; i < size; i++) for (let j = i + 1; j < size; j++) normal.set(i, j, normal.get(j, i));
  return solveSystem(normal, right)?.to2DArray();
}

/** Solution of a square system; undefined where it is singular. */
export function solveSystem(matrix: Matrix, right: Matrix): Matrix | undefined {
  const decomposition = new LuDecomposition(matrix);
  const pivots = decomposition.upperTriangularMatrix.diagonal().map(Math.abs);
  const isSingular = !(Math.min(...pivots) > SINGULAR * Math.max(...pivots));
  return isSingular ? undefined : decomposition.solve(right);
}
