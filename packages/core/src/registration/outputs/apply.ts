/** Applies a registration to another file of the same scene: other bands, another pixel size, a mask. */
import type { Watch } from '../../base/watch.ts';
import { UsageError } from '../../errors.ts';
import { affineMap } from '../../geo/pixel_map.ts';
import { type Located, mapOf, openPlaced } from '../../geo/place.ts';
import { LON_LAT, transformBetween } from '../../geo/reference_system.ts';
import type { AffineTransform } from '../../raster/raster.ts';
import type { RasterOptions } from '../../raster/raster_file.ts';
import { nameOf, type Store } from '../../store.ts';
import { alignedGrid, type LatticeScene } from './aligned_grid.ts';
import { writeAlignedScene, writeMovedGeotransform } from './aligned_scene.ts';
import { correctedPlace } from './corrected_place.ts';
import type { PlacingOptions } from './placing_options.ts';
import { registeredShare } from './registered_share.ts';
import type { TransformFile } from './transform_file.ts';

/** Pixels that count for `snapped` and `fixed` are those of the working grid, or of `like`. */
export interface ApplyOptions extends PlacingOptions {
  /** File whose pixels count instead of the working grid. */
  readonly like?: string | undefined;
  /** Bands of the file, counted from 0; default: all but alpha. */
  readonly bands?: readonly number[] | undefined;
  readonly raster?: RasterOptions | undefined;
}

export interface Applied {
  /** Share of the file on the ground that was registered: the quality of the registration holds there. */
  readonly registeredShare: number;
}

/**
 * Writes a file in its corrected place.
 *
 * @throws UsageError for a refused registration, or a file of other ground; FormatError for a file without a georeference.
 */
export async function applyTransform(
  store: Store,
  transform: TransformFile,
  input: string,
  output: string,
  options: ApplyOptions = {},
  watch: Watch = {},
): Promise<Applied> {
  if (transform.status === 'refused' || !transform.correction) throw refused(transform);
  const side = options.align ?? 'optical';
  const file = await openPlaced(store, input, options.raster);
  try {
    const place = correctedPlace(file, transform.correction, side, input);
    const share = registeredShare(gridOf(transform), side === 'optical' ? place : file, input);
    if (share === 0) throw elsewhere(input, file, transform);
    const other = side === 'optical' ? transform.sar : transform.optical;
    const moved = { file, path: input, place, bands: options.bands, metadata: { ALIGNED_TO: nameOf(other.file) } };
    if (options.geotransformOnly) {
      await writeMovedGeotransform(store, output, moved, watch);
      return { registeredShare: share };
    }
    const fixed: FixedLattice = options.like === undefined ? gridOf(transform) : await latticeOf(store, options.like);
    const grid = alignedGrid(place, fixed, options.lattice ?? 'snapped', file.transform);
    const keys = grid.crs === fixed.crs ? fixed.keys : file.georeference?.keys;
    await writeAlignedScene(store, output, moved, grid, options.resampling ?? 'bicubic', keys, watch);
    return { registeredShare: share };
  } finally {
    await file.close();
  }
}

type FixedLattice = LatticeScene & {
  keys?: NonNullable<Awaited<ReturnType<typeof openPlaced>>['georeference']>['keys'] | undefined;
};

const gridOf = ({ grid }: TransformFile) => ({
  ...grid,
  transform: grid.transform as unknown as AffineTransform,
  map: affineMap(grid.transform as unknown as AffineTransform),
});

async function latticeOf(store: Store, path: string): Promise<FixedLattice> {
  const file = await openPlaced(store, path);
  await file.close();
  const { crs, transform, width, height, georeference } = file;
  if (crs !== undefined && transform) return { crs, transform, width, height, keys: georeference?.keys };
  throw new UsageError({
    ...{ action: `take the pixels of ${path}`, expected: 'a reference system and an affine transform', found: 'none' },
    remedy: 'Name a georeferenced file, or leave --like out.',
  });
}

function elsewhere(name: string, file: Located, transform: TransformFile): UsageError {
  const grid = gridOf(transform);
  const middleOf = (crs: string, { width, height }: Pick<Located, 'width' | 'height'>, map: typeof grid.map) =>
    transformBetween(
      crs,
      LON_LAT,
      name,
    )(...map.toGround(width / 2, height / 2))
      .map((degrees) => degrees.toFixed(3))
      .join(', ');
  const [its, ours] = [middleOf(file.crs!, file, mapOf(file)!), middleOf(grid.crs, grid, grid.map)];
  return new UsageError({
    action: `correct ${name}`,
    expected: `a file of the ground that was registered, around ${ours} (longitude, latitude)`,
    found: `one of other ground, around ${its}`,
    remedy: 'Name a file of that scene, or register this one: `doppel register`.',
  });
}

function refused({ reason }: TransformFile): UsageError {
  return new UsageError({
    action: 'apply the registration',
    expected: 'a trusted one',
    found: reason === undefined ? 'a refused one' : `a refused one (${reason})`,
    remedy: 'Register the scenes again with other settings; a refused registration moves nothing.',
  });
}
