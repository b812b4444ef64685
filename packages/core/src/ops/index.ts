export type { Activation } from './activation.ts';
export { PARITY_CASES, runCase } from './cases.ts';
export { runKernelMulti } from './kernel.ts';
export { conv2d } from './ops.ts';
