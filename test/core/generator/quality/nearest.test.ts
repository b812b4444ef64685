import { expect, test } from 'vitest';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import type { FeatureRows } from '../../../../packages/core/src/generator/quality/kernel_distance.ts';
import { memorisation, NearestSearch } from '../../../../packages/core/src/generator/quality/nearest.ts';

const WIDTH = 64;
function rowsOf(count: number, seed: number): FeatureRows {
  const rng = Rng.derive(seed, 'rows');
  return { data: Float32Array.from({ length: count * WIDTH }, () => rng.normal()), count, width: WIDTH };
}

test('finds the nearest row over several blocks', () => {
  const base = rowsOf(40, 1);
  const queries = rowsOf(10, 2);
  queries.data.set(base.data.subarray(33 * WIDTH, 34 * WIDTH), 4 * WIDTH);
  const search = new NearestSearch(queries);
  for (const start of [0, 15, 30]) {
    const count = Math.min(15, 40 - start);
    const data = base.data.subarray(start * WIDTH, (start + count) * WIDTH);
    search.add(
      { data, count, width: WIDTH },
      Array.from({ length: count }, (_, i) => 100 + start + i),
    );
  }
  expect(search.rows[4]).toBe(133);
  expect(search.distances[4]).toBe(0);
  const brute = Array.from({ length: 40 }, (_, row) => {
    let sum = 0;
    for (let k = 0; k < WIDTH; k++) sum += (queries.data[k]! - base.data[row * WIDTH + k]!) ** 2;
    return Math.sqrt(sum / WIDTH);
  });
  expect(search.distances[0]).toBeCloseTo(Math.min(...brute), 10);
  expect(search.rows[0]).toBe(100 + brute.indexOf(Math.min(...brute)));
});

test('copies with some noise are found; fresh patches are not taken for copies', () => {
  const training = rowsOf(300, 1);
  const numbers = Array.from({ length: 300 }, (_, i) => i);
  const distancesOf = (queries: FeatureRows) => {
    const search = new NearestSearch(queries);
    search.add(training, numbers);
    return search.distances;
  };
  const real = distancesOf(rowsOf(200, 2));
  const rng = Rng.derive(3, 'noise');
  const fresh = rowsOf(200, 4);
  const fifty = { ...fresh, data: fresh.data.slice() };
  for (let i = 0; i < 50 * WIDTH; i++) fifty.data[i] = training.data[i]! + 0.1 * rng.normal();
  const [honest, copied] = [memorisation(distancesOf(fresh), real), memorisation(distancesOf(fifty), real)];
  expect(honest.copies).toBe(0);
  expect(honest.closer).toBeLessThan(0.04);
  expect(honest.ratio).toBeCloseTo(1, 1);
  expect(copied.copies).toBe(0.25);
  expect(copied.closer).toBeGreaterThanOrEqual(0.25);
});
