/**
 * How often search finds the place of a patch: patches of scenes whose ground the gallery holds, at random pixels, so that they
 * lie at any offset from its tiles.
 */
import { pause } from '../base/pause.ts';
import { quantile } from '../base/quantile.ts';
import { Rng } from '../base/random.ts';
import type { Watch } from '../base/watch.ts';
import { otherSensor } from '../dataset/scenes.ts';
import { UsageError } from '../errors.ts';
import { metresBetween } from '../geo/metres_between.ts';
import type { Model } from '../model.ts';
import type { Raster, Unit } from '../raster/raster.ts';
import { denseFeatures } from '../registration/dense_features.ts';
import { nameOf, type Store } from '../store.ts';
import type { Gallery } from './gallery.ts';
import { nearestTiles } from './nearest_tiles.ts';
import { type Corners, middleOf, type OpenedScene, openScene } from './opened_scene.ts';
import { coarsened } from './place_cells.ts';
import { POOLED_STRIDE, PooledVectors } from './pooled_vectors.ts';
import { searchGallery } from './search_gallery.ts';

export interface GalleryEvaluationOptions {
  /** Paths of scenes of the other sensor. */
  scenes: readonly string[];
  /** Patches of each scene. */
  patches: number;
  /** Patch side in pixels; default: that of the gallery. */
  side?: number | undefined;
  /** Pixels between the middles of a place and the patch up to which it counts as found. */
  tolerance: number;
  /** Tiles that are looked at by pixels; default as in a search. */
  shortlist?: number | undefined;
  seed: number;
  unit?: Unit | undefined;
  /** Measures one pooled vector for each tile, too. */
  pooled?: boolean | undefined;
}

/** Ranks at which recall is given. */
export const RECALL_RANKS = [1, 5, 10] as const;

export interface GalleryEvaluation {
  patches: number;
  tiles: number;
  side: number;
  tolerance: number;
  /** Share of patches whose place is among the first k places. */
  recall: Record<string, number>;
  /** The same of tiles by their cells alone, before pixels are looked at; the nearest tile is half a cell away at most. */
  tileRecall: Record<string, number>;
  /** The same of tiles by one pooled vector each, at every 32nd pixel: the nearest one may lie half as far away. */
  pooled?: { tiles: number; tolerance: number; recall: Record<string, number> };
  /** Median distance in pixels of the places that count as found within the first 10. */
  medianDistance: number | null;
  /** Median seconds of a search. */
  seconds: number;
  scenes: { name: string; patches: number; recall: Record<string, number> }[];
}

/** One patch: the rank of its place, from 0, or infinity. */
interface Trial {
  scene: string;
  rank: number;
  tileRank: number;
  pooledRank: number;
  distance: number;
  seconds: number;
}

const PLACES = Math.max(...RECALL_RANKS);
/** Tiles by cells alone whose ranks count. */
const TILES = 100;
const TILE_RANKS = [1, 10, 100] as const;

/** @throws UsageError where a scene is not placed on the ground. @throws as `searchGallery`. */
export async function evaluateGallery(
  store: Store,
  gallery: Gallery,
  model: Model,
  options: GalleryEvaluationOptions,
  { signal, onProgress }: Watch = {},
): Promise<GalleryEvaluation> {
  const { scenes, patches, side = gallery.facts.side, tolerance } = options;
  const trials: Trial[] = [];
  const pooled = options.pooled ? await PooledVectors.of(gallery, model, side, signal) : undefined;
  try {
    for (const path of scenes) {
      const sensor = otherSensor(gallery.facts.modality);
      const scene = await openScene(store, path, { sensor, unit: options.unit, levels: 'measure' });
      try {
        if (Math.min(scene.width, scene.height) < side) throw tooSmall(path, scene, side);
        for (const patch of drawPatches(scene, path, { ...options, side })) {
          await pause(signal);
          trials.push(await attempt({ gallery, model, pooled }, scene, path, patch, options));
          onProgress?.(trials.length, scenes.length * patches);
        }
      } finally {
        await scene.close();
      }
    }
  } finally {
    pooled?.dispose();
  }
  const found = trials.filter(({ rank }) => Number.isFinite(rank)).map(({ distance }) => distance);
  return {
    ...{ patches: trials.length, tiles: gallery.tiles(side).count, side, tolerance },
    recall: recallOf(trials, RECALL_RANKS, ({ rank }) => rank),
    tileRecall: recallOf(trials, TILE_RANKS, ({ tileRank }) => tileRank),
    ...(pooled && {
      pooled: {
        ...{ tiles: pooled.tiles.length, tolerance: pooledTolerance(tolerance) },
        recall: recallOf(trials, TILE_RANKS, ({ pooledRank }) => pooledRank),
      },
    }),
    medianDistance: found.length > 0 ? median(found) : null,
    seconds: median(trials.map(({ seconds }) => seconds)),
    scenes: scenes.map((path) => {
      const own = trials.filter(({ scene }) => scene === path);
      return { name: nameOf(path), patches: own.length, recall: recallOf(own, RECALL_RANKS, ({ rank }) => rank) };
    }),
  };
}

function* drawPatches(
  { width, height }: OpenedScene,
  path: string,
  { patches, side, seed }: GalleryEvaluationOptions & { side: number },
) {
  const rng = Rng.derive(seed, 'patches of a gallery', nameOf(path));
  for (let i = 0; i < patches; i++) {
    yield { column: rng.int(width - side + 1), row: rng.int(height - side + 1), width: side, height: side };
  }
}

type Window = { column: number; row: number; width: number; height: number };

/** Gallery and model that patches are searched by. */
interface Searched {
  gallery: Gallery;
  model: Model;
  pooled: PooledVectors | undefined;
}

/** Pixels: half of the stride in both directions is added, so that the nearest tile counts. */
const pooledTolerance = (tolerance: number) => tolerance + Math.hypot(POOLED_STRIDE, POOLED_STRIDE) / 2;

async function attempt(
  searched: Searched,
  scene: OpenedScene,
  path: string,
  window: Window,
  { tolerance, shortlist }: GalleryEvaluationOptions,
): Promise<Trial> {
  const { gallery, model } = searched;
  const corners = scene.cornersOf(window);
  if (!corners || !scene.metres) throw unplaced(path);
  const pixels = (to: Corners | undefined) =>
    to ? metresBetween(middleOf(corners), middleOf(to)) / scene.metres! : Number.POSITIVE_INFINITY;
  const patch = await scene.read(window);
  const begin = performance.now();
  const places = await searchGallery(gallery, model, patch, { k: PLACES, shortlist });
  const seconds = (performance.now() - begin) / 1000;
  const distances = places.map((place) => pixels(place.corners));
  const rank = distances.findIndex((distance) => distance <= tolerance);
  return {
    ...{ scene: path, rank: rank < 0 ? Number.POSITIVE_INFINITY : rank, distance: distances[rank]!, seconds },
    tileRank: await rankOfTile(gallery, model, patch, pixels, tolerance),
    pooledRank: await rankOfPooled(searched, patch, pixels, pooledTolerance(tolerance)),
  };
}

/** Rank of the first tile that counts as found, by cells alone. */
async function rankOfTile(
  gallery: Gallery,
  model: Model,
  patch: Raster,
  pixels: (corners: Corners | undefined) => number,
  tolerance: number,
): Promise<number> {
  const tiles = gallery.tiles(patch.width);
  const sensor = otherSensor(gallery.facts.modality);
  const cells = coarsened(await denseFeatures(model).of(sensor, patch));
  const [near] = await nearestTiles(tiles, [cells], { k: TILES });
  for (const [rank, { index }] of near!.entries()) {
    const { scene, window } = tiles.placeOf(index);
    if (pixels((await gallery.scene(scene)).cornersOf(window)) <= tolerance) return rank;
  }
  return Number.POSITIVE_INFINITY;
}

/** The same by pooled vectors. */
async function rankOfPooled(
  { gallery, pooled }: Searched,
  patch: Raster,
  pixels: (corners: Corners | undefined) => number,
  tolerance: number,
): Promise<number> {
  if (!pooled) return Number.POSITIVE_INFINITY;
  const sensor = otherSensor(gallery.facts.modality);
  for (const [rank, { index }] of (await pooled.nearest(sensor, patch, TILES)).entries()) {
    const { scene, window } = pooled.tiles[index]!;
    if (pixels((await gallery.scene(scene)).cornersOf(window)) <= tolerance) return rank;
  }
  return Number.POSITIVE_INFINITY;
}

const recallOf = (trials: readonly Trial[], ranks: readonly number[], rankOf: (trial: Trial) => number) =>
  Object.fromEntries(
    ranks.map((k) => [`${k}`, trials.filter((trial) => rankOf(trial) < k).length / Math.max(1, trials.length)]),
  );

const median = (values: readonly number[]): number => quantile(Float64Array.from(values).sort(), 0.5);

const tooSmall = (file: string, { width, height }: OpenedScene, side: number) =>
  new UsageError({
    ...{ action: `draw patches from ${file}`, expected: `at least ${side} × ${side} pixels` },
    ...{ found: `${width} × ${height}`, remedy: 'Leave the scene out, or choose a smaller --side.' },
  });

const unplaced = (file: string) =>
  new UsageError({
    action: `evaluate the gallery with ${file}`,
    expected: 'a scene that says where it lies',
    found: 'one that does not',
  });
