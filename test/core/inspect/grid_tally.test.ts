/** Repeated grids by place. */
import { expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { GridTally } from '../../../packages/core/src/inspect/grid_tally.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';

const SIDE = 32;
/** Amplitude whose columns are enlarged by the nearest. */
function patch(seed: number, enlarged: number): Raster {
  const rng = Rng.derive(seed, 'grid');
  const source = Float32Array.from({ length: SIDE * SIDE }, () => 50 + 100 * rng.float());
  const data = source.map((_, i) => source[i - (i % SIDE) + Math.floor((i % SIDE) / enlarged)]! + rng.float());
  return { data, width: SIDE, height: SIDE, bands: 1, unit: 'amplitude' };
}

it('names the places whose columns repeat, and no others', () => {
  const tally = new GridTally();
  for (let i = 0; i < 8; i++) {
    tally.add('a', patch(i, 1.4));
    tally.add('b', patch(i, 1));
  }
  const { a, b } = tally.found();
  expect(b).toBeUndefined();
  expect(a!.rows).toBeNull();
  expect(a!.columns!.frequency).toBeCloseTo(1 - 1 / 1.4, 1);
});
