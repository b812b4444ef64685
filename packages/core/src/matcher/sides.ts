/**
 * Patch sides that a trained matcher takes: the one that it was trained on and, if its network is fully convolutional,
 * others. Weights do not change with the side; calibration holds for the side of training.
 */
import type { SideRule } from './architecture.ts';

/** Sides of a matcher, as `ModelInfo` has them. */
export interface Sides {
  /** Side that it was trained on. */
  side: number;
  /** Other sides that it takes; absent: none. */
  sides?: SideRule | undefined;
}

export const takesSide = ({ side, sides }: Sides, wanted: number): boolean =>
  wanted === side || (sides !== undefined && wanted >= sides.min && wanted % sides.multipleOf === 0);

/** Sides in words, for messages: "64", or "any multiple of 8 from 32 on". */
export const sidesInWords = ({ side, sides }: Sides): string =>
  sides ? `any multiple of ${sides.multipleOf} from ${sides.min} on` : `${side}`;
