/** What made patches keep of their sources, their texture, and judges that tell them from real ones. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import { stackOf } from '../../../../packages/core/src/generator/patch_stack.ts';
import { judge } from '../../../../packages/core/src/generator/quality/cnn_judge.ts';
import { contentByChance, contentKept } from '../../../../packages/core/src/generator/quality/content.ts';
import { halvesWithinPlaces } from '../../../../packages/core/src/generator/quality/likeness.ts';
import { textureOf } from '../../../../packages/core/src/generator/quality/texture.ts';
import { selectProcessorBackend } from '../../../backends.ts';

beforeAll(selectProcessorBackend);

const SIDE = 32;
/** A bright rectangle with a bright point on noise. @param smooth share of the neighbour in each pixel's noise. */
function patch(seed: number, { noise = 0.3, smooth = 0 } = {}): Float32Array {
  const rng = Rng.derive(seed, 'likeness');
  const [left, top] = [4 + rng.int(12), 4 + rng.int(12)];
  const own = Rng.derive(seed, 'noise', noise);
  let before = 0;
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [y, x] = [Math.floor(i / SIDE), i % SIDE];
    const isInside = y >= top && y < top + 12 && x >= left && x < left + 12;
    const isPoint = Math.abs(y - top - 20) + Math.abs(x - left + 2) < 2;
    before = smooth * before + own.normal();
    return (isInside ? 2 : 0) + (isPoint ? 6 : 0) + noise * before;
  });
}
const set = (count: number, options = {}, first = 0) =>
  stackOf(
    Array.from({ length: count }, (_, i) => patch(first + i, options)),
    SIDE,
  );

describe('content', () => {
  it('is kept under other speckle, and not by another patch', () => {
    const [sources, made] = [set(12), set(12, { noise: 0.31 })];
    const [kept, chance] = [contentKept(sources, made), contentByChance(sources, made)];
    expect(Math.min(kept.means4, kept.means8)).toBeGreaterThan(0.9);
    expect(kept.edges).toBeGreaterThan(0.7);
    expect(kept.points).toBeGreaterThan(0.9);
    for (const figure of ['means4', 'means8', 'edges', 'points'] as const)
      expect(chance[figure], figure).toBeLessThan(kept[figure] - 0.3);
    expect(contentKept(sources, sources)).toMatchObject({ edges: 1, points: 1 });
  });
});

it('texture is the deviation and correlation of what is fine', () => {
  const [white, smooth] = [textureOf(set(4, { noise: 1 })), textureOf(set(4, { noise: 1, smooth: 0.7 }))];
  expect(white.across[0]).toBeLessThan(0.3);
  expect(smooth.across[0]).toBeGreaterThan(white.across[0]! + 0.2);
  expect(smooth.down[0]).toBeLessThan(0.4);
});

it('a judge tells smooth noise from white, and not one half of the same from the other', async () => {
  const options = { steps: 15, seed: 1 };
  const corners = (count: number, settings: object, first: number) => {
    const { data } = set(count, settings, first);
    const corner = (row: number) =>
      Float32Array.from({ length: 256 }, (_, i) => data[row * SIDE * SIDE + Math.floor(i / 16) * SIDE + (i % 16)]!);
    return stackOf(
      Array.from({ length: count }, (_, row) => corner(row)),
      16,
    );
  };
  const [white, more] = [corners(32, {}, 0), corners(32, {}, 40)];
  const smooth = corners(32, { smooth: 0.7 }, 80);
  expect(await judge({ made: smooth, real: white }, { made: smooth, real: more }, options)).toBeGreaterThan(0.8);
  const none = await judge(
    { made: corners(32, {}, 120), real: white },
    { made: corners(32, {}, 160), real: more },
    options,
  );
  expect(none).toBeGreaterThan(0.2);
  expect(none).toBeLessThan(0.8);
});

it('sources and others are of the same places, none in both', () => {
  const records = ['a', 'a', 'b', 'a', 'b', 'c'].map((group) => ({ group }));
  expect(halvesWithinPlaces([0, 1, 2, 3, 4, 5], records)).toEqual({ sources: [0, 2], others: [1, 4] });
});
