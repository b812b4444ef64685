/**
 * Prepared windows of what a run trains on: of whole scenes at any place, or, where a data set has patches only, of
 * these.
 */
import type { PlaceGuard } from '../../../dataset/place_guard.ts';
import { cropFeatures } from '../../../localisation/feature_map.ts';
import type { Modality } from '../../../prepare/normalisation.ts';
import type { PatchShape, PatchSource } from '../../../prepare/patch_source.ts';

/** A place in pixels; fractions are allowed. */
export interface Place {
  row: number;
  column: number;
}

/** A SAR patch in its scene. */
export interface PlacedPatch {
  /** Index of the scene. */
  scene: number;
  upperLeft: Place;
}

export interface TrainingScenes {
  /** Sizes in pixels. */
  readonly scenes: readonly { id: string; width: number; height: number }[];
  /** Pixels from a place in SAR to the same ground in optical. */
  shiftOf(scene: number): Place;
  /** Scene and upper left pixel of a record's SAR patch; undefined where it lies in none of the scenes. */
  patchAt(record: number): PlacedPatch | undefined;
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
): TrainingScenes {
  const { side } = shape;
  const sceneOf = new Map(anchors.map((record, scene) => [record, scene]));
  return {
    scenes: anchors.map((record) => ({ id: String(record), width: side, height: side })),
    shiftOf: () => ({ row: 0, column: 0 }),
    patchAt(record) {
      const scene = sceneOf.get(record);
      return scene === undefined ? undefined : { scene, upperLeft: { row: margin, column: margin } };
    },
    sameGround: (a, b) => guard.conflict(anchors[a]!, anchors[b]!),
    async read(scene, modality, upperLeft, extent) {
      const bands = modality === 'sar' ? shape.sarBands : shape.opticalBands;
      return cropped(await patches[modality](anchors[scene]!), side, bands, upperLeft, extent);
    },
  };
}

/** Square part of samples [side, side, channels]. */
export function cropped(data: Float32Array, side: number, channels: number, { row, column }: Place, extent: number) {
  return cropFeatures({ data, width: side, height: side, channels }, column, row, extent, extent).data;
}
