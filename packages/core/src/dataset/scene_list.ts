/**
 * Scenes of a list of pairs, version 2: a pair names a scene and the upper left pixel of its window, instead of two
 * image files. docs/data.md describes the format.
 *
 *     {"doppel":"pairs","version":2,…,"scenes":[{"id":"003","group":"003","width":1024,"height":1024,"sar":{"file":"sar/003.tif",…},"optical":{…}}]}
 *     {"id":"003/0-1","scene":"003","column":64,"row":0,"label":1,"provenance":"real"}
 */
import { z } from 'zod';
import type { Footprint } from '../geo/footprint.ts';
import { footprintOf } from '../geo/grid.ts';
import { affineMap, isInvertible } from '../geo/pixel_map.ts';
import type { AffineTransform } from '../raster/raster.ts';
import { COMPANIONS } from '../raster/sidecars.ts';
import type { RasterWindow } from '../raster/window.ts';
import { isInside } from './inside.ts';
import { PROVENANCES, type Provenance } from './patch_pair.ts';

export const insidePath = z.string().refine(isInside, 'must be a relative path that stays inside the folder');

export const hashSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 as 64 hex digits');

export const sceneFileSchema = z.strictObject({
  /** Path relative to the folder of the scenes. */
  file: insidePath,
  /** Size of the file in bytes, and SHA-256 as by `hashFile`: another file is never read in its place. */
  bytes: z.int().positive(),
  sha256: hashSchema,
  /** Companion files by their ending, such as ".msk"; others beside the file are ignored. */
  companions: z.partialRecord(z.enum(COMPANIONS), hashSchema).optional(),
  width: z.int().positive(),
  height: z.int().positive(),
  /** Bands that are read, counted from 1. */
  bands: z.array(z.int().positive()).min(1),
  /** Pixel of the file at the upper left pixel of the common grid. */
  at: z.tuple([z.int(), z.int()]),
});

export const sceneSchema = z.strictObject({
  id: z.string().min(1),
  /** The place: pairs of one group never part between splits. */
  group: z.string().min(1),
  /** Size of the common grid in pixels. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** Place of the common grid on the ground: pixels to coordinates, in GDAL's order. */
  place: z
    .strictObject({
      crs: z.string().min(1),
      transform: z
        .tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number()])
        .refine((transform) => isInvertible(transform), 'must be invertible'),
    })
    .transform((place): { crs: string; transform: AffineTransform } => place)
    .optional(),
  sar: sceneFileSchema,
  optical: sceneFileSchema,
});
export type SceneFileEntry = z.infer<typeof sceneFileSchema>;
export type SceneEntry = z.infer<typeof sceneSchema>;

/** Line of a pair that is a window of a scene. */
export const windowRecordSchema = z.strictObject({
  /** Unique in the file. */
  id: z.string().min(1),
  /** Id of the scene. */
  scene: z.string().min(1),
  /** Upper left pixel on the scene's common grid. */
  column: z.int().nonnegative(),
  row: z.int().nonnegative(),
  /** 1: both patches show the same ground; 0: they do not. */
  label: z.union([z.literal(0), z.literal(1)]),
  provenance: z.enum(PROVENANCES),
  /** Ids of earlier pairs that show a copy of the same image: one image is one place. */
  copies: z.strictObject({ sar: z.string().optional(), optical: z.string().optional() }).optional(),
});
export type WindowRecord = z.infer<typeof windowRecordSchema>;

/** Window of a pair: id of its scene, and upper left pixel on the scene's common grid. */
export interface PairWindow {
  scene: string;
  column: number;
  row: number;
  /** Earlier pairs that show copies of its images, by sensor. */
  copies?: WindowRecord['copies'];
}

/** Ground of a window of a scene; undefined where the scene is not placed. */
export const groundOf = ({ place }: SceneEntry, window: RasterWindow): Footprint | undefined =>
  place && footprintOf({ crs: place.crs, map: affineMap(place.transform) }, window);

/** Part of the common grid that both files cover. */
export function coveredPart({ width, height, sar, optical }: SceneEntry): RasterWindow {
  const [left, top] = [0, 1].map((k) => Math.max(0, -sar.at[k]!, -optical.at[k]!)) as [number, number];
  const right = Math.min(width, sar.width - sar.at[0], optical.width - optical.at[0]);
  const bottom = Math.min(height, sar.height - sar.at[1], optical.height - optical.at[1]);
  return { column: left, row: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

/** A pair of the list, as all code reads it. */
export interface ExpandedWindow {
  id: string;
  /** Names of the two images, unique to each: file and upper left pixel in it. */
  sar: string;
  optical: string;
  group: string;
  label: 0 | 1;
  provenance: Provenance;
  footprint?: Footprint;
  window: PairWindow;
}

/**
 * Expands a line of a list: its place, the names of its images and its ground. Copies of a scene file under another
 * path have one name.
 */
export function windowExpander(scenes: readonly SceneEntry[], side: number) {
  const byId = new Map(scenes.map((scene) => [scene.id, scene]));
  const nameOf = imageNames(scenes);
  const expanded = new Map<string, ExpandedWindow>();
  /** @returns a text that says what is wrong, if something is. */
  return ({ id, scene: sceneId, column, row, label, provenance, copies }: WindowRecord): ExpandedWindow | string => {
    const scene = byId.get(sceneId);
    if (!scene) return `"scene": no scene "${sceneId}" in the header`;
    if (column + side > scene.width || row + side > scene.height) {
      return `a window of ${side} pixels at column ${column}, row ${row}, outside the ${scene.width} × ${scene.height} of "${sceneId}"`;
    }
    const original = (sensor: 'sar' | 'optical') =>
      copies?.[sensor] === undefined ? undefined : expanded.get(copies[sensor]!);
    for (const sensor of ['sar', 'optical'] as const) {
      if (copies?.[sensor] !== undefined && !original(sensor))
        return `"copies.${sensor}": no pair "${copies[sensor]}" above`;
    }
    const footprint = groundOf(scene, { column, row, width: side, height: side });
    const record: ExpandedWindow = {
      id,
      sar: original('sar')?.sar ?? nameOf(scene.sar, column, row),
      optical: original('optical')?.optical ?? nameOf(scene.optical, column, row),
      ...{ group: scene.group, label, provenance },
      ...(footprint && { footprint }),
      window: { scene: sceneId, column, row, ...(copies && { copies }) },
    };
    expanded.set(id, record);
    return record;
  };
}

/** Names of images: those of windows of equal files are equal. */
function imageNames(scenes: readonly SceneEntry[]) {
  const paths = new Map<string, string>();
  const contentOf = ({ sha256, bands }: SceneFileEntry) => `${sha256} ${bands.join(',')}`;
  for (const file of scenes.flatMap(({ sar, optical }) => [sar, optical])) {
    if (!paths.has(contentOf(file))) paths.set(contentOf(file), file.file);
  }
  return (file: SceneFileEntry, column: number, row: number) =>
    `${paths.get(contentOf(file))} at column ${column + file.at[0]}, row ${row + file.at[1]}`;
}
