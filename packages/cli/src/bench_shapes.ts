/** The convolutions of the preset `paper`: what each computes and moves, and the least time that a device needs for it. */
export interface Shape {
  name: string;
  side: number;
  ci: number;
  co: number;
  strides: number;
}

/** One of each kind: the second stream and the repeated layers have the same shapes. */
export function shapesOf(side: number): Shape[] {
  return [
    { name: 'conv1', side, ci: 1, co: 32, strides: 1 },
    { name: 'conv2', side, ci: 32, co: 32, strides: 1 },
    { name: 'conv3', side: side / 2, ci: 32, co: 64, strides: 1 },
    { name: 'conv4', side: side / 2, ci: 64, co: 64, strides: 1 },
    { name: 'conv5', side: side / 4, ci: 64, co: 128, strides: 1 },
    { name: 'conv6', side: side / 4, ci: 128, co: 128, strides: 1 },
    { name: 'conv7', side: side / 8, ci: 128, co: 128, strides: 1 },
    { name: 'fusion1', side: side / 8, ci: 256, co: 256, strides: 2 },
    { name: 'fusion2', side: Math.ceil(side / 16), ci: 256, co: 128, strides: 2 },
  ];
}

export interface Work {
  direction: 'forward' | 'backward';
  /** Of the plain algorithm, a multiply-add being two. */
  flops: number;
  /** Each operand once. */
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
