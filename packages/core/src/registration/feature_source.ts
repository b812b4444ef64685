/** Features of one sensor by window, of which the last window is kept: the coarse search and the points read the same ground. */
import type { Sensor } from '../dataset/scenes.ts';
import { cropFeatures, type FeatureMap } from '../localisation/feature_map.ts';
import type { RasterWindow } from '../raster/window.ts';
import { type FeatureKind, featuresOf } from './features.ts';
import type { ReadWindow } from './levels.ts';

export class FeatureSource {
  readonly kind: FeatureKind;
  private readonly sensor: Sensor;
  private readonly pixels: ReadWindow;
  private kept: { window: RasterWindow; map: FeatureMap } | undefined;

  constructor(kind: FeatureKind, sensor: Sensor, pixels: ReadWindow) {
    this.kind = kind;
    this.sensor = sensor;
    this.pixels = pixels;
  }

  /** Features of the same kind and sensor of other pixels. */
  reading(pixels: ReadWindow): FeatureSource {
    return new FeatureSource(this.kind, this.sensor, pixels);
  }

  /** Vectors of a window whose corner and sides are multiples of 8. */
  async read(window: RasterWindow): Promise<FeatureMap> {
    if (!this.kept || !holds(this.kept.window, window)) {
      this.kept = undefined; // before the next one is made
      this.kept = { window, map: await featuresOf(this.kind, this.sensor, this.pixels, window) };
    }
    const { window: whole, map } = this.kept;
    if (whole.width === window.width && whole.height === window.height) return map;
    const { stride } = this.kind;
    const [column, row] = [(window.column - whole.column) / stride, (window.row - whole.row) / stride];
    return cropFeatures(map, column, row, window.width / stride, window.height / stride);
  }
}

const holds = (outer: RasterWindow, inner: RasterWindow) =>
  inner.column >= outer.column &&
  inner.row >= outer.row &&
  inner.column + inner.width <= outer.column + outer.width &&
  inner.row + inner.height <= outer.row + outer.height;
