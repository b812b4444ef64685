/** A correlation map around its middle. */

/** Map as core and the server have it. */
interface GivenMap {
  values: ArrayLike<number>;
  width: number;
  height: number;
  stride: number;
  radius: number;
}

export interface Correlation {
  /** [height, width], −1 to 1. */
  values: Float32Array;
  width: number;
  height: number;
  /** Pixels between two values. */
  stride: number;
  /** Pixels to each side of the middle. */
  reach: number;
  /** Pixels from the middle within which the score takes the peak. */
  radius: number;
}

export const correlationOf = ({ values, width, height, stride, radius }: GivenMap): Correlation => ({
  ...{ values: Float32Array.from(values), width, height, stride, radius },
  reach: ((width - 1) / 2) * stride,
});
