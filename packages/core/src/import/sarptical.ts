/**
 * Imports a data set in the layout of SARptical (Wang and Zhu, The SARptical dataset for joint analysis of SAR and
 * optical image in dense urban area, 2018): `point_<id>_ampPatch.mat` holds the SAR patch of a point in dB,
 * `point_<id>_*.png` are optical patches of the same point, several where aerial images overlap. All pairs of a point
 * are one place.
 */

import { pause } from '../base/pause.ts';
import { type BuiltDataset, DatasetWriter } from '../dataset/dataset_writer.ts';
import { FileError, FormatError, PatchError } from '../errors.ts';
import type { Footprint } from '../geo/footprint.ts';
import { readMat5 } from '../raster/mat5.ts';
import { reasonToSkip } from '../raster/missing.ts';
import type { Raster } from '../raster/raster.ts';
import { joinPath, type Store } from '../store.ts';
import { Findings } from './findings.ts';
import type { ImportHooks } from './import_hooks.ts';
import { CommonFormat, openOptical } from './sample_options.ts';

/** MATLAB variable of a SAR file. */
const VARIABLE = 'ampCrop';

export interface PointCoordinates {
  crs: string;
  /** Ground length of a pixel, in units of the CRS. */
  resolution: number;
  /** Centre of a point's patch by the point's id. */
  points: ReadonlyMap<string, readonly [x: number, y: number]>;
}

export interface SarpticalOptions {
  /** Coordinates for footprints, which keep neighbouring places in one split. */
  coordinates?: PointCoordinates | undefined;
  maxNoData: number;
  /** Refuse inputs that would be guessed. */
  strict?: boolean | undefined;
  attribution?: string | undefined;
}

interface Point {
  id: string;
  sar: string | undefined;
  optical: string[];
}

/**
 * @param source folder of the files. @param folder that the data set is written to.
 * @throws FileError where there are no such files. @throws FormatError, PatchError where one is damaged or of another
 * size.
 */
export async function importSarptical(
  store: Store,
  source: string,
  folder: string,
  options: SarpticalOptions,
  { signal, onProgress }: ImportHooks = {},
): Promise<BuiltDataset> {
  const points = pointsOf(await store.list(source));
  if (points.length === 0) throw noPoints(source);
  const format = new CommonFormat();
  const findings = new Findings(options.strict);
  return DatasetWriter.build(store, folder, async (writer) => {
    let side: number | undefined;
    for (const [done, { id, sar: sarName, optical }] of points.entries()) {
      if (done % 16 === 0) await pause(signal);
      onProgress?.(done, points.length, writer.pairs);
      if (sarName === undefined) writer.skip('withoutSar', optical.length);
      else if (optical.length === 0) writer.skip('withoutOptical');
      else {
        const sar = await readSar(store, joinPath(source, sarName));
        side ??= sar.width;
        requireSide(sar, side, joinPath(source, sarName));
        await addPoint(writer, { id, sarName, sar, optical }, { store, source, side, format, findings, options });
      }
    }
    onProgress?.(points.length, points.length, writer.pairs);
    return {
      ...{ doppel: 'pairs', version: 1, side: side ?? 1, ...format.found() },
      ...(options.attribution !== undefined && { attribution: options.attribution }),
      made: { by: 'doppel data import sarptical', ...findings.made() },
    };
  });
}

interface PointPatches {
  id: string;
  sarName: string;
  sar: Raster;
  /** File names. */
  optical: readonly string[];
}

interface PointContext {
  store: Store;
  source: string;
  side: number;
  format: CommonFormat;
  findings: Findings;
  options: SarpticalOptions;
}

/** Adds one pair for each optical view; the SAR patch is written once. */
async function addPoint(
  writer: DatasetWriter,
  { id: pointId, sarName, sar, optical: names }: PointPatches,
  { store, source, side, format, findings, options }: PointContext,
): Promise<void> {
  const footprint = footprintAt(pointId, side, options.coordinates);
  let sarPath: string | undefined;
  for (const name of names) {
    const file = joinPath(source, name);
    const optical = await readOptical(store, file, findings);
    requireSide(optical, side, file);
    const reason = reasonToSkip({ sar, optical }, options.maxNoData);
    if (reason) {
      writer.skip(reason);
      continue;
    }
    format.add({ sar: sar.unit, optical: optical.unit, bands: optical.bands }, name);
    const id = name.replace(/\.png$/i, '').replace(/^point_/, '');
    sarPath ??= await writer.addPatch(`patches/${pointId}/sar`, sar);
    writer.addRecord({
      ...{ id, sar: sarPath, optical: await writer.addPatch(`patches/${pointId}/${id}.optical`, optical) },
      ...{ group: `point_${pointId}`, label: 1, provenance: 'real' },
      ...(footprint && { footprint }),
      source: { sar: sarName, optical: name },
    });
  }
}

/** Points sorted by id. */
function pointsOf(names: readonly string[]): Point[] {
  const points = new Map<string, Point>();
  const at = (id: string) => {
    const point = points.get(id) ?? { id, sar: undefined, optical: [] };
    points.set(id, point);
    return point;
  };
  for (const name of names) {
    const [, sarId] = /^point_([^_]+)_ampPatch\.mat$/i.exec(name) ?? [];
    const [, opticalId] = /^point_([^_]+)_.*\.png$/i.exec(name) ?? [];
    if (sarId !== undefined) at(sarId).sar = name;
    if (opticalId !== undefined) at(opticalId).optical.push(name);
  }
  return [...points.values()].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}

async function readOptical(store: Store, path: string, findings: Findings): Promise<Raster> {
  const file = await openOptical(store, path, {}, findings);
  try {
    return await file.read();
  } finally {
    await file.close();
  }
}

async function readSar(store: Store, file: string): Promise<Raster> {
  const arrays = await readMat5(await store.read(file), file);
  const array = arrays.get(VARIABLE);
  if (!array) {
    throw new FormatError({
      ...{ action: 'read', file, expected: `a variable ${VARIABLE}` },
      found: arrays.size === 0 ? 'no numeric array' : `only ${[...arrays.keys()].join(', ')}`,
      remedy: 'Is it a SAR patch of SARptical?',
    });
  }
  const data = Float32Array.from(array.data);
  const noData = Uint8Array.from(data, (value) => (Number.isFinite(value) ? 0 : 1));
  const raster: Raster = { data, width: array.columns, height: array.rows, bands: 1, unit: 'dB' };
  return noData.includes(1) ? { ...raster, noData } : raster;
}

function requireSide({ width, height }: Raster, side: number, file: string): void {
  if (width === side && height === side) return;
  throw new PatchError({
    ...{ action: 'import the patch', file, expected: `${side} × ${side} pixels`, found: `${width} × ${height}` },
    remedy: 'All patches of a data set have one size.',
  });
}

function footprintAt(id: string, side: number, coordinates: PointCoordinates | undefined): Footprint | undefined {
  const point = coordinates?.points.get(id);
  if (!coordinates || !point) return undefined;
  const half = (side * coordinates.resolution) / 2;
  const [x, y] = point;
  return { crs: coordinates.crs, bounds: [x - half, y - half, x + half, y + half] };
}

function noPoints(source: string): FileError {
  return new FileError({
    ...{ action: 'import SARptical from', file: source },
    ...{ expected: 'files point_<id>_ampPatch.mat and point_<id>_*.png', found: 'none' },
    remedy: 'Name the folder that holds them.',
  });
}
