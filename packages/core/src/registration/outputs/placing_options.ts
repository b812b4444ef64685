/** Choices of how a corrected file is written. */
import type { Lattice } from './aligned_grid.ts';
import type { Side } from './moved.ts';
import type { Resampling } from './resampler.ts';

export interface PlacingOptions {
  /** Scene that moves onto the other; default: optical. */
  readonly align?: Side | undefined;
  /** Default: bicubic. */
  readonly resampling?: Resampling | undefined;
  /** Pixels of the written file; default: snapped to those of the other scene. */
  readonly lattice?: Lattice | undefined;
  /** Leaves the pixels alone and writes another transform. */
  readonly geotransformOnly?: boolean | undefined;
}
