/** Convolutions of the preset `paper`: their operations, the bytes they move and the least time of a device. */
import { networkOf } from '@doppel/core/matcher';

export interface Shape {
  name: string;
  side: number;
  ci: number;
  co: number;
  strides: number;
}

/**
 * One convolution of each kind, by its place in the network; the second stream and repeated layers have the same
 * shapes.
 */
export function shapesOf(side: number): Shape[] {
  const shapes = new Map<string, Shape>();
  for (const { name, kind, input, output, strides } of networkOf({
    preset: 'paper',
    side,
    sarBands: 1,
    opticalBands: 1,
  })) {
    const [from, ci, co] = [input[0]!, input.at(-1)!, output.at(-1)!];
    const key = [from, ci, co, strides].join();
    if (kind === 'conv' && !shapes.has(key)) shapes.set(key, { name: shortName(name), side: from, ci, co, strides });
  }
  return [...shapes.values()];
}

/** `sar.conv1` → `conv1`, `fusion.conv1` → `fusion1` */
const shortName = (name: string) => name.replace(/^(sar|optical)\./, '').replace(/^fusion\.conv/, 'fusion');

export interface Work {
  direction: 'forward' | 'backward';
  /** Operations of the direct algorithm; a multiply-add counts as two. */
  flops: number;
  /** Bytes moved if each operand moves once. */
  bytes: number;
}

/** Forward, and backward with an activation's derivative; the first layer needs no gradient of its input. */
export function workOf({ side, ci, co, strides }: Shape, batch: number): Work[] {
  const out = Math.ceil(side / strides); // padded to "same"
  const [x, filter, y] = [batch * side * side * ci, 9 * ci * co, batch * out * out * co];
  const flops = 2 * y * 9 * ci;
  const bytes = 4 * (x + filter + y);
  const gradients = ci === 1 ? 1 : 2;
  // dfilter reads x, dy and y, dx reads dy and y and writes as much as x.
  return [
    { direction: 'forward', flops, bytes },
    { direction: 'backward', flops: flops * gradients, bytes: (bytes + 4 * y) * gradients },
  ];
}

/** Milliseconds at a device's limits, and which of the two binds (Williams, Waterman and Patterson, CACM 2009). */
export function boundOf(
  { flops, bytes }: Pick<Work, 'flops' | 'bytes'>,
  { gflops, gigabytes }: { gflops: number; gigabytes: number },
): { ms: number; by: 'arithmetic' | 'memory' } {
  const [arithmetic, memory] = [flops / gflops / 1e6, bytes / gigabytes / 1e6];
  return arithmetic > memory ? { ms: arithmetic, by: 'arithmetic' } : { ms: memory, by: 'memory' };
}
