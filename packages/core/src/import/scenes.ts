/**
 * Imports a data set from pairs of scenes: each pair of scenes is a place, and its patches are cut on a common grid, into
 * files or as a list of windows.
 */

import type { Watch } from '../base/watch.ts';
import { type BuiltDataset, DatasetWriter } from '../dataset/dataset_writer.ts';
import { writeLocation } from '../dataset/scene_files.ts';
import { FormatError, PatchError } from '../errors.ts';
import { footprintOf } from '../geo/grid.ts';
import { openPlaced, type PlacedFile } from '../geo/place.ts';
import type { RasterFile } from '../raster/open.ts';
import type { Unit } from '../raster/raster.ts';
import { nameOf, type Store } from '../store.ts';
import { type CutOptions, type CutPatch, cutScenes } from './cut_scenes.ts';
import { Findings } from './findings.ts';
import { type NamedScene, type ScenesOnDisk, WindowList } from './list_windows.ts';

export interface ScenePair {
  /** Name of the place, unique. */
  name: string;
  /** Paths of two files. */
  sar: string;
  optical: string;
}

/** Interpretation of samples, for files that lack it or state it wrongly. */
export interface SampleOptions {
  /** Unit of the SAR samples; default: that of the file. */
  unit?: Unit | undefined;
  opticalUnit?: Unit | undefined;
  /** Further no-data values, as stored, in addition to those of the files. */
  noData?: readonly number[] | undefined;
  opticalNoData?: readonly number[] | undefined;
  /** The SAR band, counted from 0; needed where a file has several. */
  sarBand?: number | undefined;
  /** One band, or red, green and blue; counted from 0. Needed where a file has other than one or three. */
  opticalBands?: readonly number[] | undefined;
  /** True: guesses are refused. */
  strict?: boolean | undefined;
}

export interface SceneImportOptions extends Omit<CutOptions, 'signal' | 'onGuess'>, SampleOptions {
  attribution?: string | undefined;
  /** Lists windows of the scene files instead of cutting patches into files. */
  windows?: ScenesOnDisk | undefined;
}

export interface ImportHooks extends Pick<Watch, 'signal'> {
  /** Called with the scenes, points or pairs done, their total, and the pairs written. */
  onProgress?: ((done: number, total: number, pairs: number) => void) | undefined;
}

/**
 * @param folder that the data set is written to.
 * @throws FormatError where a file is damaged, scenes do not match, or bands or units are not clear.
 */
export async function importScenes(
  store: Store,
  scenes: readonly ScenePair[],
  folder: string,
  options: SceneImportOptions,
  { signal, onProgress }: ImportHooks = {},
): Promise<BuiltDataset> {
  const format = new CommonFormat();
  const findings = new Findings(options.strict);
  return DatasetWriter.build(store, folder, async (writer) => {
    const windows = options.windows && new WindowList(store, options.windows, writer);
    const add: AddPatch = windows ? windows.add.bind(windows) : fileWriter(writer, options.side);
    for (const [done, scene] of scenes.entries()) {
      onProgress?.(done, scenes.length, writer.pairs);
      const sar = await openSar(store, scene.sar, options, findings);
      try {
        const optical = await openOptical(store, scene.optical, options, findings);
        try {
          await importScene(writer, add, scene, sar, optical, format, {
            ...options,
            signal,
            onGuess: (guess) => findings.guess(`${scene.sar} and ${scene.optical}`, guess),
          });
        } finally {
          await optical.close();
        }
      } finally {
        await sar.close();
      }
    }
    onProgress?.(scenes.length, scenes.length, writer.pairs);
    const { side, stride, grid, resolution } = options;
    const attribution = options.attribution !== undefined && { attribution: options.attribution };
    const made = {
      ...{ by: 'doppel data import scenes', stride, grid, ...(resolution !== undefined && { resolution }) },
      ...madeOf(options),
      ...findings.made(),
    };
    if (!windows) return { doppel: 'pairs', version: 1, side, ...format.found(), ...attribution, made };
    await writeLocation(store, folder, options.windows!.location);
    return {
      doppel: 'pairs',
      version: 2,
      side,
      ...withNoData(format.found(), options),
      ...attribution,
      made,
      scenes: windows.scenes,
    };
  });
}

/** Adds a patch of a scene to the data set. */
type AddPatch = (id: string, patch: CutPatch, scene: NamedScene) => Promise<void>;

/** Writes patches as files. */
const fileWriter =
  (writer: DatasetWriter, side: number): AddPatch =>
  async (id, { sar, optical, column, row, grid }, scene) => {
    const footprint = footprintOf(grid, { column, row, width: side, height: side });
    writer.addRecord({
      id,
      sar: await writer.addPatch(`patches/${id}.sar`, sar),
      optical: await writer.addPatch(`patches/${id}.optical`, optical),
      ...{ group: scene.name, label: 1, provenance: 'real' },
      ...(footprint && { footprint }),
      source: { sar: nameOf(scene.sar.name), optical: nameOf(scene.optical.name), column, row },
    });
  };

/** No-data values that were asked for: windows are read from the files again. */
function withNoData({ sar, optical }: ReturnType<CommonFormat['found']>, options: SampleOptions) {
  const { noData, opticalNoData } = options;
  return {
    sar: { ...sar, ...(noData && { noData: [...noData] }) },
    optical: { ...optical, ...(opticalNoData && { noData: [...opticalNoData] }) },
  };
}

async function importScene(
  writer: DatasetWriter,
  add: AddPatch,
  scene: ScenePair,
  sar: PlacedFile,
  optical: PlacedFile,
  format: CommonFormat,
  options: SceneImportOptions & Pick<CutOptions, 'signal' | 'onGuess'>,
): Promise<void> {
  const sarScene = { name: scene.sar, file: sar, bands: sarBandOf(sar, scene.sar, options.sarBand) };
  const bands = opticalBandsOf(optical, scene.optical, options.opticalBands);
  const opticalScene = { name: scene.optical, file: optical, bands };
  const named = { name: scene.name, sar: sarScene, optical: opticalScene };
  const { stride } = options;
  for await (const patch of cutScenes(sarScene, opticalScene, options)) {
    if ('reason' in patch) {
      writer.skip(patch.reason, patch.count);
      continue;
    }
    format.add({ sar: patch.sar.unit, optical: patch.optical.unit, bands: patch.optical.bands }, scene.name);
    await add(`${scene.name}/${patch.row / stride}-${patch.column / stride}`, patch, named);
  }
}

/** Opens a SAR file and reports the guesses about it. */
export async function openSar(
  store: Store,
  path: string,
  { unit, noData }: SampleOptions,
  findings: Findings,
): Promise<PlacedFile> {
  const file = await openPlaced(store, path, { ...(unit && { unit }), ...(noData && { noData }) });
  findings.add(path, file);
  if (file.unit === undefined) {
    findings.guess(path, 'nothing says what the SAR samples are; --unit does, and speckle augmentation and dB need it');
  }
  return file;
}

export async function openOptical(
  store: Store,
  path: string,
  { opticalUnit: unit, opticalNoData: noData }: SampleOptions,
  findings: Findings,
): Promise<PlacedFile> {
  const file = await openPlaced(store, path, { ...(unit && { unit }), ...(noData && { noData }) });
  findings.add(path, file);
  return file;
}

/** Entries for the header of the data set: the settings of samples; bands count from 1. */
export function madeOf({ sarBand, opticalBands, unit, opticalUnit, noData, opticalNoData }: SampleOptions) {
  return {
    ...(unit && { unit }),
    ...(opticalUnit && { opticalUnit }),
    ...(sarBand !== undefined && { sarBand: sarBand + 1 }),
    ...(opticalBands && { opticalBands: opticalBands.map((band) => band + 1) }),
    ...(noData && { noData: [...noData] }),
    ...(opticalNoData && { opticalNoData: [...opticalNoData] }),
  };
}

/** Units and bands, which must be the same for all pairs of a data set. */
export class CommonFormat {
  private first: { sar: Unit; optical: Unit; bands: number; of: string } | undefined;

  /** @throws PatchError where a pair differs from the first. */
  add(pair: { sar: Unit; optical: Unit; bands: number }, of: string): void {
    this.first ??= { ...pair, of };
    const show = ({ sar, optical, bands }: typeof pair) => `SAR in ${sar}, optical in ${optical} with ${bands} band(s)`;
    if (show(this.first) === show(pair)) return;
    throw new PatchError({
      action: `put ${of} into one data set with ${this.first.of}`,
      expected: show(this.first),
      found: show(pair),
      remedy: 'Say what all files hold (--unit, --optical-unit, --optical-bands), or make two data sets.',
    });
  }

  /** Formats found; of no pairs at all nothing that counts, for a data set without pairs is refused. */
  found(): { sar: { unit: Unit; bands: 1 }; optical: { unit: Unit; bands: 1 | 3 } } {
    const { sar, optical, bands } = this.first ?? { sar: 'digital number', optical: 'digital number', bands: 1 };
    return { sar: { unit: sar, bands: 1 }, optical: { unit: optical, bands: bands === 3 ? 3 : 1 } };
  }
}

type Bands = Pick<RasterFile, 'bands' | 'imageBands'>;

export function sarBandOf({ bands, imageBands }: Bands, name: string, band: number | undefined): [number] {
  if (band === undefined && imageBands.length === 1) return [imageBands[0]!];
  if (band !== undefined && band < bands) return [band];
  throw new FormatError({
    ...{ action: 'take a SAR band of', file: name },
    expected: band === undefined ? 'one band' : `at least ${band + 1} band(s)`,
    found: String(bands),
    remedy: 'Choose one by --sar-band, counted from 1.',
  });
}

export function opticalBandsOf(
  { bands, imageBands }: Bands,
  name: string,
  chosen: readonly number[] | undefined,
): number[] {
  if (chosen === undefined && (imageBands.length === 1 || imageBands.length === 3)) return [...imageBands];
  if (chosen?.every((band) => band < bands)) return [...chosen];
  throw new FormatError({
    ...{ action: 'take optical bands of', file: name },
    expected: chosen === undefined ? 'one band, or red, green and blue' : `at least ${Math.max(...chosen) + 1} bands`,
    found: `${bands}`,
    remedy: 'Choose one band, or red, green and blue, by --optical-bands, counted from 1: --optical-bands 4,3,2',
  });
}
