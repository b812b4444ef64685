export { pause } from './pause.ts';
export { COUNTERS_A_STEP } from './philox.ts';
export { quantile } from './quantile.ts';
export type { Quantiles } from './quantiles.ts';
export { Rng } from './random.ts';
export { sha256 } from './sha256.ts';
export { relativeError } from './tolerance.ts';
