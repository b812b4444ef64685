/** Patches of a texture with speckle, for tests that need many of one distribution. */
import { Rng } from '../../../../packages/core/src/base/random.ts';
import { type PatchStack, stackOf } from '../../../../packages/core/src/generator/patch_stack.ts';

/** Smooth waves with noise, mean 0 and standard deviation about 1; `first` numbers them. */
export function texture(count: number, side: number, first = 0): PatchStack {
  return stackOf(
    Array.from({ length: count }, (_, i) => wave(side, first + i)),
    side,
  );
}

function wave(side: number, number: number): Float32Array {
  const rng = Rng.derive(number, 'texture');
  const [u, v, phase] = [0.15 * rng.normal(), 0.15 * rng.normal(), 6 * rng.float()];
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return Math.sin(u * x + v * y + phase) + 0.5 * rng.normal();
  });
}

export function map(stack: PatchStack, change: (value: number) => number): PatchStack {
  return { ...stack, data: stack.data.map(change) };
}

/** With normal noise of so large a deviation. */
export function added(stack: PatchStack, amount: number): PatchStack {
  const rng = Rng.derive(1, 'added noise');
  return map(stack, (value) => value + amount * rng.normal());
}

/** The mean of each pixel and its right and lower neighbours, `times` over. */
export function blurred(stack: PatchStack, times: number): PatchStack {
  const { side, count } = stack;
  let data = stack.data;
  for (let round = 0; round < times; round++) {
    const from = data;
    data = from.map((value, i) => {
      const [x, y] = [i % side, Math.floor(i / side) % side];
      const right = x + 1 < side ? from[i + 1]! : value;
      const below = y + 1 < side ? from[i + side]! : value;
      return (2 * value + right + below) / 4;
    });
  }
  return { data, side, count };
}
