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

it('takes no stripes of missing samples for rows that repeat, masked or not', () => {
  const masked = new GridTally();
  const zero = new GridTally();
  for (let i = 0; i < 8; i++) {
    const even = patch(i, 1);
    const isStripe = (at: number) => Math.floor(at / SIDE) % 4 < 2;
    const filled = even.data.map((value, at) => (isStripe(at) ? 7 : value));
    masked.add('a', { ...even, data: filled, noData: Uint8Array.from(filled, (_, at) => Number(isStripe(at))) });
    zero.add('a', { ...even, data: even.data.map((value, at) => (isStripe(at) ? 0 : value)) });
  }
  expect([masked.found(), zero.found()]).toEqual([{}, {}]);
});
