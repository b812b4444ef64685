/** Feature vectors on the pixels of an image, or on cells of several pixels: what a correlation compares. */
export interface FeatureMap {
  /** [height, width, channels]; each vector has unit length, or is zero where nothing is known. */
  readonly data: Float32Array;
  /** Cells. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A part of a map. @throws RangeError if the part leaves the map. */
export function cropFeatures(map: FeatureMap, column: number, row: number, width: number, height: number): FeatureMap {
  const isInside = column >= 0 && row >= 0 && column + width <= map.width && row + height <= map.height;
  if (!isInside)
    throw new RangeError(`${width} × ${height} cells at ${column}, ${row} of ${map.width} × ${map.height}`);
  const { channels } = map;
  const data = new Float32Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((row + y) * map.width + column) * channels;
    data.set(map.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { data, width, height, channels };
}

/** A map of vectors that are not known yet. */
export const emptyFeatures = (width: number, height: number, channels: number): FeatureMap => ({
  data: new Float32Array(width * height * channels),
  ...{ width, height, channels },
});

/** Copies the part of a map that lies in another one. @param left, top cell of the other one where the map begins. */
export function pasteFeatures(part: FeatureMap, whole: FeatureMap, left: number, top: number): void {
  const { channels } = whole;
  const [from, to] = [Math.max(0, -left), Math.min(part.width, whole.width - left)];
  for (let row = Math.max(0, -top); row < Math.min(part.height, whole.height - top); row++) {
    const line = part.data.subarray((row * part.width + from) * channels, (row * part.width + to) * channels);
    whole.data.set(line, ((top + row) * whole.width + left + from) * channels);
  }
}
