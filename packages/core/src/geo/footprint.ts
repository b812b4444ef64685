/** Footprints: positions of patches on the ground. */
/** A rectangle on the ground. */
export interface Footprint {
  crs: string;
  /** [minimum x, minimum y, maximum x, maximum y] in the units of `crs`. */
  bounds: readonly [number, number, number, number];
}
