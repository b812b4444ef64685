/**
 * All files of a registration: tie points for every tool, and where it is trusted the correction in other tools' terms, the
 * aligned scene and its STAC item. `transform.json` comes last: a folder that holds one is whole.
 */
import type { Watch } from '../../base/watch.ts';
import { FormatError, UsageError } from '../../errors.ts';
import { mapOf, openPlaced, type PlacedFile } from '../../geo/place.ts';
import { type AcquisitionTime, acquisitionTime, utcTime } from '../../raster/acquisition_time.ts';
import type { RasterOptions } from '../../raster/raster_file.ts';
import { joinPath, nameOf, type Store } from '../../store.ts';
import type { Correction, Registration } from '../registration.ts';
import { alignedGrid, type LatticeScene } from './aligned_grid.ts';
import { type MovedFile, writeAlignedScene, writeMovedGeotransform } from './aligned_scene.ts';
import { correctedPlace, nearestTransform } from './corrected_place.ts';
import { writeDisplacement } from './displacement.ts';
import { enviImagePoints, enviMapPoints } from './envi_points.ts';
import { gcpVrt } from './gcp_vrt.ts';
import { type Moved, movedBy, SIDES, type Side } from './moved.ts';
import type { PlacingOptions } from './placing_options.ts';
import { pointsCsv } from './points_csv.ts';
import { pointsGeojson } from './points_geojson.ts';
import { pointsGeopackage } from './points_geopackage.ts';
import { qgisPoints } from './qgis_points.ts';
import { relativePath } from './relative_path.ts';
import { stacItem } from './stac_item.ts';
import { formatTransform } from './transform_file.ts';

export interface OutputOptions extends PlacingOptions {
  /** False to write no aligned scene; default: true. */
  readonly alignedScene?: boolean | undefined;
  /** Units and no-data of the scenes, where the files do not state them. */
  readonly sar?: RasterOptions | undefined;
  readonly optical?: RasterOptions | undefined;
  /** Acquisition time of the scene that moves, RFC 3339, for its STAC item; default: what its file says, if it does. */
  readonly datetime?: string | undefined;
  /** Time of processing; default: now. */
  readonly now?: Date | undefined;
}

/** Paths of the files that were written, by what they are. */
export type OutputFiles = Partial<Record<keyof typeof OUTPUT_NAMES | 'aligned', string>>;

/** Names of the files in their folder. */
export const OUTPUT_NAMES = {
  geojson: 'tie_points.geojson',
  geopackage: 'tie_points.gpkg',
  csv: 'tie_points.csv',
  qgis: 'tie_points.points',
  qgisGeoreferenced: 'tie_points_georeferenced.points',
  enviImage: 'tie_points_image.pts',
  enviMap: 'tie_points_map.pts',
  gcps: 'gcps.vrt',
  warp: 'gcps.sh',
  displacement: 'displacement.tif',
  stac: 'item.json',
  transform: 'transform.json',
} as const;

/**
 * Writes the files of a registration. A refused one gets its tie points and `transform.json` alone.
 *
 * @param watch follows the aligned scene, tile by tile.
 * @returns paths by name, in the order in which they were written.
 * @throws FileError where one cannot be written; files written before are whole.
 */
export async function writeOutputs(
  store: Store,
  registration: Registration,
  folder: string,
  options: OutputOptions = {},
  watch: Watch = {},
): Promise<OutputFiles> {
  const files: OutputFiles = {};
  const side = options.align ?? 'optical';
  const scene = side === 'optical' ? registration.optical : registration.sar;
  const file = await openPlaced(store, scene.file, options[side]);
  try {
    const output = new Outputs(store, registration, folder, options, files);
    await output.removeOlder();
    await output.points(file, movedBy(side));
    if (registration.status === 'trusted' && registration.correction) {
      await output.alignment(file, scene.file, registration.correction, side, watch);
    }
    await output.write('transform', formatTransform(registration));
  } finally {
    await file.close();
  }
  return files;
}

class Outputs {
  private readonly store: Store;
  private readonly registration: Registration;
  private readonly folder: string;
  private readonly options: OutputOptions;
  private readonly files: OutputFiles;
  private readonly now: string;

  constructor(store: Store, registration: Registration, folder: string, options: OutputOptions, files: OutputFiles) {
    this.store = store;
    this.registration = registration;
    this.folder = folder;
    this.options = options;
    this.files = files;
    this.now = (options.now ?? new Date()).toISOString();
  }

  async write(name: keyof typeof OUTPUT_NAMES, content: string | Uint8Array): Promise<void> {
    await this.store.write(this.at(name), content);
    this.files[name] = this.at(name);
  }

  /** Removes what an earlier registration may have left and this one may not write. */
  async removeOlder(): Promise<void> {
    const names = ['transform', 'gcps', 'warp', 'displacement', 'stac'] as const;
    const older = [...names.map((name) => this.at(name)), ...SIDES.map((side) => this.alignedPath(side))];
    for (const path of older) await this.store.remove(path);
  }

  private alignedPath(side: Side): string {
    return joinPath(this.folder, `aligned_${side}.tif`);
  }

  async points(file: PlacedFile, moved: Moved): Promise<void> {
    const { registration } = this;
    await this.write('geojson', pointsGeojson(registration));
    await this.write('geopackage', await pointsGeopackage(registration, this.now));
    await this.write('csv', pointsCsv(registration.points));
    await this.write('qgis', qgisPoints(registration, moved));
    const own = mapOf(file);
    if (own) await this.write('qgisGeoreferenced', qgisPoints(registration, moved, own.toGround));
    await this.write('enviImage', enviImagePoints(registration, moved));
    await this.write('enviMap', enviMapPoints(registration, moved));
  }

  /** Writes what needs a trusted correction. */
  async alignment(file: PlacedFile, path: string, correction: Correction, side: Side, watch: Watch): Promise<void> {
    const place = correctedPlace(file, correction, side, path);
    const source = await relativePath(this.store, this.folder, path);
    const { vrt, script } = gcpVrt(OUTPUT_NAMES.gcps, file, source, place, correction);
    await this.write('gcps', vrt);
    await this.write('warp', script);
    await writeDisplacement(this.store, this.at('displacement'), this.registration.grid, correction);
    this.files.displacement = this.at('displacement');
    if (this.options.alignedScene ?? true) await this.alignedScene({ file, path, place }, side, watch);
  }

  private async alignedScene(moved: MovedFile, side: Side, watch: Watch): Promise<void> {
    const { options, registration } = this;
    const path = this.alignedPath(side);
    const other = side === 'optical' ? 'sar' : 'optical';
    const named = { ...moved, metadata: { ALIGNED_TO: nameOf(registration[other].file) } };
    const fixed = await latticeScene(this.store, registration, other, options);
    const grid = options.geotransformOnly
      ? movedGrid(moved)
      : alignedGrid(moved.place, fixed, options.lattice ?? 'snapped', moved.file.transform);
    if (options.geotransformOnly) await writeMovedGeotransform(this.store, path, named, watch);
    else {
      const keys = grid.crs === fixed.crs ? fixed.keys : moved.file.georeference?.keys;
      await writeAlignedScene(this.store, path, named, grid, options.resampling ?? 'bicubic', keys, watch);
    }
    this.files.aligned = path;
    const acquired =
      options.datetime === undefined ? acquisitionTime(moved.file.items, moved.path) : stated(options.datetime);
    if (!acquired) return; // STAC demands a time, and an invented one would mislead every search by it
    await this.write('stac', stacItem(registration, grid, { side, acquired, now: this.now, assets: this.assets() }));
  }

  private at(name: keyof typeof OUTPUT_NAMES): string {
    return joinPath(this.folder, OUTPUT_NAMES[name]);
  }

  private assets(): Parameters<typeof stacItem>[2]['assets'] {
    const cog = 'image/tiff; application=geotiff; profile=cloud-optimized';
    const asset = (path: string, type: string, role: string, title: string) => ({
      ...{ href: `./${nameOf(path)}`, type, roles: [role], title },
    });
    return {
      aligned: asset(this.files.aligned!, cog, 'data', 'Aligned scene'),
      displacement: asset(this.files.displacement!, cog, 'metadata', 'Displacements of the ground'),
      tie_points: asset(this.files.geojson!, 'application/geo+json', 'metadata', 'Tie points with their reasons'),
      transform: asset(this.at('transform'), 'application/json', 'metadata', 'Correction and its quality'),
    };
  }
}

/** @throws UsageError for what is no time. */
function stated(text: string): AcquisitionTime {
  const time = utcTime(text);
  if (time !== undefined) return { time, source: 'caller' };
  throw new UsageError({
    ...{ action: 'write the STAC item', expected: 'an acquisition time as 2020-11-04T10:12:00Z', found: text },
    remedy: 'Write it in the form of RFC 3339.',
  });
}

function movedGrid({ place, file }: MovedFile) {
  const { transform } = nearestTransform(place);
  return { crs: place.crs, transform, map: place.fitted, width: file.width, height: file.height };
}

/** Pixels of the scene that stays; the working grid where control points place it. */
async function latticeScene(
  store: Store,
  registration: Registration,
  side: Side,
  options: OutputOptions,
): Promise<LatticeScene & { keys?: NonNullable<PlacedFile['georeference']>['keys'] | undefined }> {
  const { file: path } = registration[side];
  const file = await openPlaced(store, path, options[side]);
  const { crs, transform, width, height, georeference } = file;
  await file.close();
  if (crs !== undefined && transform && !file.fitted)
    return { crs, transform, width, height, keys: georeference?.keys };
  if (options.lattice === 'fixed') throw noLattice(path);
  const { grid } = registration;
  return { ...grid, transform: grid.transform as unknown as LatticeScene['transform'] };
}

function noLattice(file: string): FormatError {
  return new FormatError({
    ...{ action: 'take the pixels of', file, expected: 'an affine transform', found: 'control points' },
    remedy: 'Leave --lattice out: the aligned scene then lies on the working grid.',
  });
}
