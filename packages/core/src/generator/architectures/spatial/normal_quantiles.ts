/** Standard normal values, evenly spaced: the positions of a table of quantiles. */
export const normalQuantiles = (count: number, reach: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => -reach + (2 * reach * i) / (count - 1));
