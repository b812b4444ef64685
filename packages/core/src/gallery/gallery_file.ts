/**
 * `gallery.json`: what a gallery holds, by which model it was made, and where its scenes lie. The cells of each scene are in
 * a file beside it. It is written again after each scene, so that it lists finished scenes only.
 *
 *     {"doppel":"gallery","version":1,"modality":"optical","model":{"name":"s1s2-10m","fingerprint":"3877…"},"side":64,…}
 */
import { z } from 'zod';
import { parseJson } from '../base/parse_json.ts';
import { hashSchema } from '../dataset/scene_list.ts';
import { FileError, FormatError, StaleCacheError } from '../errors.ts';
import { UNITS } from '../raster/raster.ts';
import { COMPANIONS } from '../raster/sidecars.ts';
import { joinPath, readText, type Store } from '../store.ts';

export const GALLERY_FILE = 'gallery.json';

/** A scene in a gallery. */
export const gallerySceneSchema = z.strictObject({
  /** Path relative to the gallery's folder, or absolute. */
  file: z.string().min(1),
  /** Size of the file in bytes, and SHA-256 as by `hashFile`. */
  bytes: z.int().positive(),
  sha256: hashSchema,
  /** Companion files by their ending, such as ".msk". */
  companions: z.partialRecord(z.enum(COMPANIONS), hashSchema).optional(),
  /** Bands that are read, counted from 1. */
  bands: z.array(z.int().positive()).min(1),
  /** Pixels of the file. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** 99 % quantile of each band, which becomes 255; absent: samples are used as they are. */
  levels: z.array(z.number()).min(1).optional(),
  /** Metres along the side of a pixel at the middle; absent where the scene is not placed. */
  metres: z.number().positive().optional(),
  /** Bounds in degrees, [west, south, east, north]; absent likewise. */
  bounds: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional(),
  /** File of the cells, in the gallery's folder. */
  cells: z.string().regex(/^[\w-]+\.safetensors$/, 'must be a file name'),
});

const gallerySchema = z
  .strictObject({
    doppel: z.literal('gallery'),
    version: z.literal(1),
    /** Sensor of the scenes; patches of the other one are searched. */
    modality: z.enum(['sar', 'optical']),
    /** Name or path of the model, and SHA-256 of its checkpoint. */
    model: z.strictObject({ name: z.string().min(1), fingerprint: hashSchema }),
    /** Patch side in pixels that the model was calibrated for. */
    side: z.int().positive().multipleOf(8),
    /** Numbers of a cell. */
    channels: z.int().positive(),
    /** Unit of the samples, where it was given. */
    unit: z.enum(UNITS).optional(),
    scenes: z.array(gallerySceneSchema),
  })
  .refine(({ scenes }) => new Set(scenes.map(({ cells }) => cells)).size === scenes.length, {
    message: 'must name a file of cells once',
  });

export type GalleryFacts = z.infer<typeof gallerySchema>;
export type GalleryScene = z.infer<typeof gallerySceneSchema>;

/** Facts of a gallery; undefined where there is none. @throws FormatError where the file is damaged. */
export async function findGallery(store: Store, folder: string): Promise<GalleryFacts | undefined> {
  const file = joinPath(folder, GALLERY_FILE);
  if (!(await store.stat(file))) return undefined;
  const fail = (found: string, cause?: unknown) =>
    new FormatError({
      ...{ action: 'read', file, expected: 'a list of the scenes of a gallery', found, cause },
      remedy: 'Build the gallery again.',
    });
  return parseJson(gallerySchema, await readText(store, file), fail);
}

/** @throws FileError where there is none. @throws FormatError where the file is damaged. */
export async function readGallery(store: Store, folder: string): Promise<GalleryFacts> {
  const gallery = await findGallery(store, folder);
  if (gallery) return gallery;
  throw new FileError({
    ...{ action: 'open the gallery', file: folder, expected: `a folder with ${GALLERY_FILE}`, found: 'none' },
    remedy: 'Build it: `doppel gallery build SCENES --out GALLERY`.',
  });
}

export const writeGallery = (store: Store, folder: string, facts: GalleryFacts): Promise<void> =>
  store.write(joinPath(folder, GALLERY_FILE), `${JSON.stringify(facts, null, 1)}\n`);

/** @param fingerprint of the model that is to search. @throws StaleCacheError if the gallery is of another model. */
export function requireModel({ model }: GalleryFacts, fingerprint: string, folder: string): void {
  if (model.fingerprint === fingerprint) return;
  throw new StaleCacheError({
    ...{ action: 'use the gallery', file: folder },
    expected: `the model that it was built by, ${model.name} (fingerprint ${model.fingerprint.slice(0, 12)})`,
    found: `another one (${fingerprint.slice(0, 12)})`,
    remedy: 'Name that model, or build another gallery.',
  });
}
