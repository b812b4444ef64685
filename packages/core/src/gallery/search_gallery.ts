/**
 * Search of a patch in a gallery: all tiles by their cells, then the best distinct ones by pixels. There the patch may lie at
 * any offset from its tile, so it is looked for in a window around it. The correlation there ranks the places, for it sees
 * their surroundings; those that are found are scored as pairs.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../base/pause.ts';
import { otherSensor, type Sensor } from '../dataset/scenes.ts';
import { PatchError } from '../errors.ts';
import { correlationMap } from '../localisation/correlation.ts';
import type { FeatureMap } from '../localisation/feature_map.ts';
import { peakOf } from '../localisation/peak.ts';
import { probabilityOf } from '../matcher/calibration.ts';
import { sidesInWords, takesSide } from '../matcher/sides.ts';
import type { Model } from '../model.ts';
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import { denseFeatures, tensorOf } from '../registration/dense_features.ts';
import type { Gallery } from './gallery.ts';
import { requireModel } from './gallery_file.ts';
import { nearestTiles } from './nearest_tiles.ts';
import { type Corners, middleOf } from './opened_scene.ts';
import { coarsened, requireSearchable } from './place_cells.ts';
import type { TileMaps } from './tile_maps.ts';
import type { Ranked } from './top_k.ts';

/** Degrees of longitude and latitude: [west, south, east, north]; west > east across the date line. */
export type Bounds = readonly [number, number, number, number];

export interface SearchOptions {
  /** Places to find. Default: 10. */
  k?: number | undefined;
  /** Finds places whose middle lies inside. */
  bbox?: Bounds | undefined;
  /** Distinct tiles that are looked at by pixels. Default: 50, or 2 · k if that is more. */
  shortlist?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface FoundPlace {
  /** Position in the ranking, from 1. */
  rank: number;
  /** Logit of the patch and the pixels of this window, as of any pair. */
  score: number;
  /** Calibrated probability of a match; rough for patches of another side than the model's. */
  probability: number;
  /** Correlation of the patch's cells with those of this window in its surroundings, at most 1: places are ranked by it. */
  similarity: number;
  /** Number of the scene in the gallery, and its file name. */
  scene: number;
  name: string;
  /** Pixels of the scene. */
  window: RasterWindow;
  /** Corners in degrees, clockwise from the upper left one; absent where the scene is not placed. */
  corners?: Corners | undefined;
}

/** Pixels within which two places count as one, and around a tile in which its patch is looked for. */
const REACH = 16;
/** Tiles of which distinct ones are chosen, for each of them. */
const CROWD = 16;
/** Pixels between the cells of the matcher. */
const STRIDE = 2;

/**
 * Places by descending similarity.
 *
 * @param patch of the other sensor than the gallery's, of a side that the model takes.
 * @throws StaleCacheError for a gallery of another model. @throws PatchError for an unsuitable patch.
 * @throws FileError or StaleCacheError if a scene is missing or another one. @throws the signal's reason when aborted.
 */
export async function searchGallery(
  gallery: Gallery,
  model: Model,
  patch: Raster,
  options: SearchOptions = {},
): Promise<FoundPlace[]> {
  requireSearchable(model);
  requireModel(gallery.facts, model.info.fingerprint, gallery.folder);
  requireSquare(patch, model);
  const { k = 10, shortlist = Math.max(50, 2 * k), signal } = options;
  const sensor = otherSensor(gallery.facts.modality);
  const cells = await denseFeatures(model).of(sensor, patch);
  const tiles = gallery.tiles(patch.width);
  if (tiles.count === 0) return [];
  const isAllowed = await allowedBy(gallery, tiles, options.bbox);
  const wanted = { k: Math.min(CROWD * shortlist, tiles.count), isAllowed, signal };
  const [near] = await nearestTiles(tiles, [coarsened(cells)], wanted);
  const query: Query = { gallery, model, sensor, patch, cells };
  const found: Candidate[] = [];
  for (const candidate of distinct(
    near!.map((each) => candidateOf(each, tiles)),
    shortlist,
  )) {
    await pause(signal);
    found.push(await locate(query, candidate));
  }
  found.sort((a, b) => b.similarity - a.similarity);
  const scored = await scorePlaces(query, distinct(found, k));
  return scored.map((place, i) => ({ rank: i + 1, ...place }));
}

interface Query {
  gallery: Gallery;
  model: Model;
  /** Sensor of the patch. */
  sensor: Sensor;
  patch: Raster;
  cells: FeatureMap;
}

interface Candidate {
  scene: number;
  window: RasterWindow;
  similarity: number;
}

/** @throws PatchError unless the patch is a square that the model takes, with a valid pixel. */
function requireSquare({ width, height, noData }: Raster, { info }: Model): void {
  const action = 'search the patch';
  if (width !== height || !takesSide(info, width)) {
    const expected = `a square of side ${sidesInWords(info)}`;
    throw new PatchError({ action, expected, found: `${width} × ${height} pixels` });
  }
  if (!noData?.every((each) => each === 1)) return;
  throw new PatchError({ action, expected: 'valid samples', found: 'none: all are NaN or no-data' });
}

function candidateOf({ index, score }: Ranked, tiles: TileMaps): Candidate {
  return { ...tiles.placeOf(index), similarity: score };
}

/** The first places of which none is near an earlier one. */
function distinct<T extends Candidate>(places: readonly T[], most: number): T[] {
  const chosen: T[] = [];
  for (const place of places) {
    if (chosen.length === most) break;
    if (!chosen.some((other) => isNear(place, other))) chosen.push(place);
  }
  return chosen;
}

const isNear = (a: Candidate, b: Candidate) =>
  a.scene === b.scene &&
  Math.abs(a.window.column - b.window.column) < REACH &&
  Math.abs(a.window.row - b.window.row) < REACH;

/** Place of the patch around a tile: the peak of the correlation of cells, inside of the scene. */
async function locate({ gallery, model, cells }: Query, candidate: Candidate): Promise<Candidate> {
  const scene = await gallery.scene(candidate.scene);
  const { column, row, width, height } = candidate.window;
  const wide = { column: column - REACH, row: row - REACH, width: width + 2 * REACH, height: height + 2 * REACH };
  const around = await denseFeatures(model).of(gallery.facts.modality, await scene.read(wide));
  const peak = peakOf(await correlationMap(cells, around), 1);
  const inside = (place: number, length: number, side: number) =>
    Math.min(Math.max(0, Math.round(place)), Math.max(0, length - side));
  const window = {
    column: inside(wide.column + STRIDE * peak.column, scene.width, width),
    row: inside(wide.row + STRIDE * peak.row, scene.height, height),
    ...{ width, height },
  };
  return { scene: candidate.scene, window, similarity: peak.value };
}

type Scored = Omit<FoundPlace, 'rank'>;

/** Scores of the pairs that places make with the patch. */
async function scorePlaces(query: Query, places: readonly Candidate[]): Promise<Scored[]> {
  const { gallery, model, sensor, patch } = query;
  const halves = model.scorer.halves!;
  const own = halves[sensor](tensorOf(model, sensor, patch));
  try {
    const scored: Scored[] = [];
    for (const place of places) {
      const scene = await gallery.scene(place.scene);
      const raster = await scene.read(place.window);
      const logits = tf.tidy(() => {
        const other = halves[gallery.facts.modality](tensorOf(model, gallery.facts.modality, raster));
        return sensor === 'sar' ? halves.join(own, other) : halves.join(other, own);
      });
      const [score] = await logits.data();
      logits.dispose();
      scored.push({
        ...{ score: score!, probability: probabilityOf(score!, model.info.calibration) },
        ...{ similarity: place.similarity, scene: place.scene, name: gallery.sceneName(place.scene) },
        ...{ window: place.window, corners: scene.cornersOf(place.window) },
      });
    }
    return scored;
  } finally {
    own.dispose();
  }
}

/** Test of a tile against bounds; scenes that lie wholly outside are decided once. */
async function allowedBy(gallery: Gallery, tiles: TileMaps, bbox: Bounds | undefined) {
  if (!bbox) return undefined;
  const scenes = new Map<number, Pick<Awaited<ReturnType<Gallery['scene']>>, 'cornersOf'>>();
  for (const [i, { bounds }] of gallery.facts.scenes.entries()) {
    if (bounds && meets(bounds, bbox)) scenes.set(i, await gallery.scene(i));
  }
  return (tile: number): boolean => {
    const { scene, window } = tiles.placeOf(tile);
    const corners = scenes.get(scene)?.cornersOf(window);
    return corners !== undefined && isInside(middleOf(corners), bbox);
  };
}

function isInside([longitude, latitude]: readonly [number, number], [west, south, east, north]: Bounds): boolean {
  const isAcross = west <= east ? longitude >= west && longitude <= east : longitude >= west || longitude <= east;
  return isAcross && latitude >= south && latitude <= north;
}

function meets(scene: Bounds, [west, south, east, north]: Bounds): boolean {
  const [left, bottom, right, top] = scene;
  if (bottom > north || top < south) return false;
  return west <= east ? left <= east && right >= west : left <= east || right >= west;
}
