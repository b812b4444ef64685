/**
 * Writes the scene that moves where it lies by its correction, as a Cloud Optimized GeoTIFF: resampled tile by tile, or with
 * its pixels left alone and another transform. Type of samples, bands, their descriptions and no-data stay as they are.
 */
import type { Watch } from '../../base/watch.ts';
import { FormatError, UsageError } from '../../errors.ts';
import { geoTags } from '../../geo/geo_tags.ts';
import type { Grid } from '../../geo/grid.ts';
import type { PlacedFile } from '../../geo/place.ts';
import { type CogImage, writeCog } from '../../raster/cog_writer.ts';
import type { SampleType } from '../../raster/missing.ts';
import type { AffineTransform, Georeference } from '../../raster/raster.ts';
import { STORED_TYPES, type StoredType } from '../../raster/tile_encoder.ts';
import type { Store } from '../../store.ts';
import { type CorrectedPlace, nearestTransform } from './corrected_place.ts';
import { Resampler, type Resampling, storedReader } from './resampler.ts';

/** A file that is written in another place. */
export interface MovedFile {
  readonly file: PlacedFile;
  readonly path: string;
  readonly place: CorrectedPlace;
  /** Bands, counted from 0; default: all but alpha. */
  readonly bands?: readonly number[] | undefined;
  /** Items of metadata of the written file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** @param keys of a file in the system of the grid. @throws FileError where it cannot be written; FormatError. */
export async function writeAlignedScene(
  store: Store,
  path: string,
  moved: MovedFile,
  grid: Grid & { crs: string; transform: AffineTransform },
  how: Resampling,
  keys: Georeference['keys'] | undefined,
  watch: Watch = {},
): Promise<void> {
  const bands = moved.bands ?? moved.file.imageBands;
  const resampler = new Resampler(moved.file, moved.place, grid, bands, how, moved.path);
  const image: CogImage = {
    ...imageOf(moved, bands),
    ...{ width: grid.width, height: grid.height, overviews: how === 'nearest' ? 'nearest' : 'average' },
    place: geoTags(grid.crs, grid.transform, path, keys),
  };
  await writeCog(store, path, image, (window) => resampler.read(window), watch);
}

/** Largest distance in pixels from the correction at which a transform may stand for it. */
const MAX_ERROR = 0.5;

/** Pixels as they are, with the transform that is nearest to the correction. @throws UsageError where none is near. */
export async function writeMovedGeotransform(
  store: Store,
  path: string,
  moved: MovedFile,
  watch: Watch = {},
): Promise<void> {
  const { transform, error } = nearestTransform(moved.place);
  if (!(error <= MAX_ERROR)) throw bent(moved.path, error);
  if (!isExact(moved.file.sample)) throw inexact(moved.path, moved.file.sample, transform);
  const bands = moved.bands ?? moved.file.imageBands;
  const reader = storedReader(moved.file, bands);
  const image = {
    ...imageOf(moved, bands),
    place: geoTags(moved.place.crs, transform, path, moved.file.georeference?.keys),
  };
  const read = async (window: Parameters<typeof reader.read>[0]) => {
    const { data, noData } = await reader.read(window);
    return { data, missing: noData };
  };
  await writeCog(store, path, image, read, watch);
}

function imageOf({ file, metadata = {} }: MovedFile, bands: readonly number[]): Omit<CogImage, 'place'> {
  const type = storedTypeOf(file.sample);
  const facts = bands.flatMap((band, i) => {
    const { noData: _, ...rest } = file.facts.get(band) ?? {};
    return Object.keys(rest).length > 0 ? [[i, rest] as const] : [];
  });
  return {
    ...{ width: file.width, height: file.height, bands: bands.length, type, facts: new Map(facts), metadata },
    noData: noDataFor(type, file.noData),
    isRgb: file.isRgb && bands.length >= 3 && [0, 1, 2].every((band) => bands[band] === band) && type !== 'float32',
  };
}

/** Type that holds samples as they are; wider ones than a float's 24 bits become floats. */
export function storedTypeOf({ kind, bits }: SampleType): StoredType {
  if (kind === 'unsigned' && bits <= 16) return bits <= 8 ? 'uint8' : 'uint16';
  return kind === 'signed' && bits <= 16 ? 'int16' : 'float32';
}

const isExact = ({ kind, bits }: SampleType) => (kind === 'float' ? bits <= 32 : bits <= 16);

/** No-data of the file where its type can hold it, NaN in floats; else undefined: a mask is written. */
function noDataFor(type: StoredType, stated: number | undefined): number | undefined {
  if (type === 'float32') return stated === undefined ? Number.NaN : Math.fround(stated);
  const { low, high } = STORED_TYPES[type];
  return stated !== undefined && Number.isInteger(stated) && stated >= low && stated <= high ? stated : undefined;
}

function bent(file: string, error: number): UsageError {
  return new UsageError({
    action: `place ${file} by a transform alone`,
    expected: `a correction that an affine transform follows within ${MAX_ERROR} pixels`,
    found: Number.isFinite(error) ? `one that leaves it by ${error.toFixed(2)} pixels` : 'one that leaves its domain',
    remedy: 'Resample it: leave --geotransform-only out.',
  });
}

function inexact(file: string, { kind, bits }: SampleType, transform: AffineTransform): FormatError {
  const [x, a, b, y, c, d] = transform;
  return new FormatError({
    ...{ action: 'copy the pixels of', file, expected: 'integers of up to 16 bits or floats of 32' },
    found: `${kind} samples of ${bits} bits`,
    remedy: `Set the transform in a copy of it: Dataset.SetGeoTransform((${[x, a, b, y, c, d].join(', ')})) in GDAL.`,
  });
}
