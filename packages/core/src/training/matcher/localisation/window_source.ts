/**
 * Prepared windows of what a run trains on: of whole scenes at any place, or, where a data set has patches only, of
 * these.
 */
import type { PlaceGuard } from '../../../dataset/place_guard.ts';
import type { Modality } from '../../../prepare/normalisation.ts';
import type { PatchShape, PatchSource } from '../../../prepare/patch_source.ts';

/** A place in pixels; fractions are allowed. */
export interface Place {
  row: number;
  column: number;
}

/** A SAR patch in its scene. */
export interface Anchor {
  scene: number;
  /** Upper left pixel. */
  template: Place;
}

export interface WindowSource {
  /** Sizes in pixels. */
  readonly scenes: readonly { id: string; width: number; height: number }[];
  /** Pixels from a place in SAR to the same ground in optical. */
  shiftOf(scene: number): Place;
  /** Scene and upper left pixel of a record's SAR patch; undefined where it lies in none of the scenes. */
  patchAt(record: number): Anchor | undefined;
  /** True if two scenes show the same or neighbouring ground. */
  sameGround(a: number, b: number): boolean;
  /**
   * Prepared square window, [side, side, bands].
   *
   * @throws FileError, FormatError or PatchError if it cannot be used.
   */
  read(scene: number, modality: Modality, upperLeft: Place, side: number): Promise<Float32Array>;
}

/**
 * The patches of a data set as scenes of their own: a template is a part of its patch.
 *
 * @param margin pixels of a patch to each side of its template.
 */
export function patchWindows(
  anchors: readonly number[],
  guard: PlaceGuard,
  patches: PatchSource,
  shape: PatchShape,
  margin: number,
): WindowSource {
  const { side } = shape;
  const sceneOf = new Map(anchors.map((record, scene) => [record, scene]));
  return {
    scenes: anchors.map((record) => ({ id: String(record), width: side, height: side })),
    shiftOf: () => ({ row: 0, column: 0 }),
    patchAt(record) {
      const scene = sceneOf.get(record);
      return scene === undefined ? undefined : { scene, template: { row: margin, column: margin } };
    },
    sameGround: (a, b) => guard.conflict(anchors[a]!, anchors[b]!),
    async read(scene, modality, upperLeft, extent) {
      const bands = modality === 'sar' ? shape.sarBands : shape.opticalBands;
      return cropped(await patches[modality](anchors[scene]!), side, bands, upperLeft, extent);
    },
  };
}

/** Square part of samples [side, side, bands]. */
export function cropped(samples: Float32Array, side: number, bands: number, { row, column }: Place, extent: number) {
  const part = new Float32Array(extent * extent * bands);
  for (let y = 0; y < extent; y++) {
    const from = ((row + y) * side + column) * bands;
    part.set(samples.subarray(from, from + extent * bands), y * extent * bands);
  }
  return part;
}
