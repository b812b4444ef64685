/** Principal components by orthogonal iteration: a few directions of greatest variance of many rows. */
import { Rng } from '../../base/random.ts';

const ITERATIONS = 60;

/** @param rows of equal length. @returns their mean, and `count` orthonormal components, the greatest first. */
export function principalComponents(
  rows: readonly Float64Array[],
  count: number,
): { mean: Float64Array; components: Float64Array[] } {
  const width = rows[0]!.length;
  const mean = new Float64Array(width);
  for (const row of rows) for (let i = 0; i < width; i++) mean[i]! += row[i]! / rows.length;
  const centred = rows.map((row) => row.map((value, i) => value - mean[i]!));
  const rng = Rng.derive(1, 'principal components');
  let components: Float64Array[] = Array.from({ length: count }, () =>
    Float64Array.from({ length: width }, () => rng.normal()),
  );
  orthonormalise(components);
  for (let i = 0; i < ITERATIONS; i++) {
    components = components.map((component) => covarianceTimes(centred, component));
    orthonormalise(components);
  }
  return { mean, components };
}

function covarianceTimes(centred: readonly Float64Array[], component: Float64Array): Float64Array {
  const out = new Float64Array(component.length);
  for (const row of centred) {
    const weight = dot(row, component);
    for (let i = 0; i < out.length; i++) out[i]! += weight * row[i]!;
  }
  return out;
}

/** Gram–Schmidt process, in place; a vector that depends on the ones before becomes zeros. */
function orthonormalise(vectors: readonly Float64Array[]): void {
  vectors.forEach((vector, k) => {
    for (const before of vectors.slice(0, k)) {
      const along = dot(vector, before);
      for (let i = 0; i < vector.length; i++) vector[i]! -= along * before[i]!;
    }
    const length = Math.sqrt(dot(vector, vector));
    const scale = length > 1e-12 ? 1 / length : 0;
    for (let i = 0; i < vector.length; i++) vector[i]! *= scale;
  });
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
