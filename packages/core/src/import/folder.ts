/**
 * Imports a data set from a folder of patches, one file a patch, paired by their names.
 */

import { pause } from '../base/pause.ts';
import { type BuiltDataset, DatasetWriter } from '../dataset/dataset_writer.ts';
import { FormatError, PatchError } from '../errors.ts';
import { agreement } from '../geo/agreement.ts';
import type { Footprint } from '../geo/footprint.ts';
import { footprintOf, type PixelWindow } from '../geo/grid.ts';
import { mapOf, type PlacedFile } from '../geo/place.ts';
import { reasonToSkip } from '../raster/missing.ts';
import type { Raster } from '../raster/raster.ts';
import { joinPath, type Store } from '../store.ts';
import { Findings } from './findings.ts';
import type { ImportHooks } from './import_hooks.ts';
import { matchNames, type NamedPair, type NamePatterns } from './match_names.ts';
import { oneImage } from './one_image.ts';
import {
  CommonFormat,
  madeOf,
  openOptical,
  openSar,
  opticalBandsOf,
  type SampleOptions,
  sarBandOf,
} from './sample_options.ts';

export interface FolderImportOptions extends SampleOptions {
  patterns?: NamePatterns | undefined;
  /** Captures the place in a pair's key; default: the key's folder, and the key itself where it has none. */
  group?: RegExp | undefined;
  /** Width and height; default: those of the first patch. */
  side?: number | undefined;
  /** True: the centre of larger images is used; false: they are refused. */
  crop: boolean;
  /** Share of missing pixels up to which a patch is kept, in [0, 1]. */
  maxNoData: number;
  attribution?: string | undefined;
}

/**
 * @param source folder, read with all folders in it. @param folder that the data set is written to.
 * @throws FormatError, PatchError where a file is damaged or of another size. @throws UsageError where names do not
 * pair.
 */
export async function importFolder(
  store: Store,
  source: string,
  folder: string,
  options: FolderImportOptions,
  { signal, onProgress }: ImportHooks = {},
): Promise<BuiltDataset> {
  const { pairs, unmatched, unclear } = matchNames(await filesIn(store, source), options.patterns);
  if (pairs.length === 0) throw nothingMatched(source, unmatched);
  const format = new CommonFormat();
  const findings = new Findings(options.strict);
  return DatasetWriter.build(store, folder, async (writer) => {
    writer.skip('unmatched', unmatched.length);
    writer.skip('unclearNames', unclear.length);
    let { side } = options;
    for (const [done, pair] of pairs.entries()) {
      if (done % 16 === 0) await pause(signal);
      onProgress?.(done, pairs.length, writer.pairs);
      const sar = await readCut(store, joinPath(source, pair.sar), 'sar', side, options, findings);
      side ??= sar.raster.width;
      const optical = await readCut(store, joinPath(source, pair.optical), 'optical', side, options, findings);
      await addPair(writer, pair, sar, optical, { format, findings }, options);
    }
    onProgress?.(pairs.length, pairs.length, writer.pairs);
    return {
      ...{ doppel: 'pairs', version: 1, side: side!, ...format.found() },
      ...(options.attribution !== undefined && { attribution: options.attribution }),
      made: { by: 'doppel data import folder', ...madeOf(options), ...findings.made() },
    };
  });
}

async function addPair(
  writer: DatasetWriter,
  pair: NamedPair,
  sar: CutFile,
  optical: CutFile,
  { format, findings }: { format: CommonFormat; findings: Findings },
  { maxNoData, group }: FolderImportOptions,
): Promise<void> {
  const place = agreement(sar.cut, optical.cut, pair.sar);
  const reason = reasonToSkip({ sar: sar.raster, optical: optical.raster }, maxNoData);
  if (place.contradicts || reason) {
    writer.skip(reason ?? 'otherGround');
    return;
  }
  const notes = oneImage({ sar: sar.raster, optical: optical.raster });
  findings.add(`${pair.sar} and ${pair.optical}`, { guesses: place.guesses, notes });
  format.add({ sar: sar.raster.unit, optical: optical.raster.unit, bands: optical.raster.bands }, pair.key);
  const ground = sar.footprint ?? optical.footprint;
  writer.addRecord({
    id: pair.key,
    sar: await writer.addPatch(`patches/${pair.key}.sar`, sar.raster),
    optical: await writer.addPatch(`patches/${pair.key}.optical`, optical.raster),
    ...{ group: groupOf(pair, group), label: 1, provenance: 'real' },
    ...(ground && { footprint: ground }),
    source: { sar: pair.sar, optical: pair.optical },
  });
}

/** True for files that operating systems and archives leave beside images under the images' names, as on macOS. */
const isLeftover = (name: string) => name.startsWith('.') || name === '__MACOSX';

/**
 * Paths of all files, relative to the folder, sorted; hidden ones are skipped, and links back into a folder above
 * are not followed.
 *
 * @throws FileError where there is no folder.
 */
export async function filesIn(store: Store, folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (inside: string, above: readonly string[]): Promise<void> => {
    for (const name of await store.list(joinPath(folder, inside))) {
      if (isLeftover(name)) continue;
      const path = joinPath(inside, name);
      const info = await store.stat(joinPath(folder, path));
      if (info?.kind === 'file') found.push(path);
      if (info?.kind !== 'folder' || (info.identity !== undefined && above.includes(info.identity))) continue;
      await walk(path, info.identity === undefined ? above : [...above, info.identity]);
    }
  };
  const top = await store.stat(folder);
  await walk('', top?.identity === undefined ? [] : [top.identity]);
  return found;
}

interface CutFile {
  raster: Raster;
  footprint: Footprint | undefined;
  /** Window of the patch, and its file. */
  cut: { file: PlacedFile; window: PixelWindow };
}

async function readCut(
  store: Store,
  path: string,
  sensor: 'sar' | 'optical',
  side: number | undefined,
  options: FolderImportOptions,
  findings: Findings,
): Promise<CutFile> {
  const file = await (sensor === 'sar' ? openSar : openOptical)(store, path, options, findings);
  try {
    const bands =
      sensor === 'sar' ? sarBandOf(file, path, options.sarBand) : opticalBandsOf(file, path, options.opticalBands);
    const { width, height } = file;
    const wanted = side ?? Math.min(width, height);
    const fits = width === wanted && height === wanted;
    if (!fits && !(options.crop && width >= wanted && height >= wanted)) throw wrongSize(path, width, height, wanted);
    const [column, row] = [Math.floor((width - wanted) / 2), Math.floor((height - wanted) / 2)];
    const window = { column, row, width: wanted, height: wanted };
    const map = mapOf(file);
    const footprint = map && footprintOf({ ...(file.crs !== undefined && { crs: file.crs }), map }, window);
    const raster = await file.read(window, bands);
    findings.guessAll(path, file.guessesOfSamples());
    return { raster, footprint, cut: { file, window } };
  } finally {
    await file.close();
  }
}

function wrongSize(file: string, width: number, height: number, side: number): PatchError {
  return new PatchError({
    ...{ action: 'import the patch', file },
    expected: `${side} × ${side} pixels`,
    found: `${width} × ${height}`,
    remedy:
      width >= side && height >= side
        ? 'Add --crop to take the centre of larger images.'
        : 'All patches of a data set have one size: choose a smaller --side and add --crop.',
  });
}

function groupOf({ key }: NamedPair, pattern: RegExp | undefined): string {
  if (!pattern) {
    const end = key.lastIndexOf('/');
    return end < 0 ? key : key.slice(0, end);
  }
  const match = pattern.exec(key);
  const group = match?.[1] ?? match?.[0];
  if (group) return group;
  throw new PatchError({
    action: `find the place of the pair "${key}"`,
    expected: `a name that --group ${pattern.source} matches`,
    found: 'one that it does not',
    remedy: 'Widen the pattern; its first group captures the place.',
  });
}

function nothingMatched(source: string, unmatched: readonly string[]): FormatError {
  return new FormatError({
    action: 'find pairs in',
    file: source,
    expected: 'images (GeoTIFF, PNG, JPEG) with names such as sar/1.tif and optical/1.tif, or 1_s1.png and 1_s2.png',
    found: unmatched.length > 0 ? `${unmatched.length} without counterpart, such as "${unmatched[0]}"` : 'none',
    remedy: 'Say how names match by --sar-pattern and --optical-pattern.',
  });
}
