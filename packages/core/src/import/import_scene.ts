/**
 * Imports one pair of scenes: its patches are cut into files, or listed as windows. What it yields is plain data, so that
 * scenes can be imported on several threads.
 */
import { type DatasetPart, DatasetWriter } from '../dataset/dataset_writer.ts';
import type { SceneEntry } from '../dataset/scene_list.ts';
import type { Footprint } from '../geo/footprint.ts';
import { footprintOf } from '../geo/grid.ts';
import type { PlacedFile } from '../geo/place.ts';
import { nameOf, type Store } from '../store.ts';
import { type CutOptions, type CutPatch, cutScenes } from './cut_scenes.ts';
import { type Finding, Findings } from './findings.ts';
import { type NamedScene, type ScenesOnDisk, type WindowImages, WindowList } from './list_windows.ts';
import { oneImage } from './one_image.ts';
import {
  type CommonFormat,
  openOptical,
  openSar,
  opticalBandsOf,
  type SampleOptions,
  sarBandOf,
} from './sample_options.ts';

export interface ScenePair {
  /** Name of the place, unique. */
  name: string;
  /** Paths of two files. */
  sar: string;
  optical: string;
  /** Ground of both images, north up, where the files do not say it. */
  place?: Footprint | undefined;
  /** Assumption that was made about the scene, if one was. */
  guess?: string | undefined;
}

export interface SceneImportOptions extends Omit<CutOptions, 'signal' | 'onGuess'>, SampleOptions {
  attribution?: string | undefined;
  /** Lists windows of the scene files instead of cutting patches into files. */
  windows?: ScenesOnDisk | undefined;
  /** Command that imports, for the header; default: `doppel data import scenes`. */
  by?: string | undefined;
}

/** Import of one scene: plain data. */
export interface SceneTask {
  scene: ScenePair;
  /** Path of its patches in the folder of the data set; that of no other scene. */
  stem: string;
  /** Folder that the data set is written to. */
  folder: string;
  options: SceneImportOptions;
}

/** Share of a scene in a data set: plain data. */
export interface ScenePart {
  part: DatasetPart;
  findings: Finding[];
  /** Unit and bands of its patches; undefined where it gives none. */
  format: Parameters<CommonFormat['add']>[0] | undefined;
  /** The scene, and the contents of its windows, where these are listed. */
  windows: { scene: SceneEntry; images: WindowImages } | undefined;
}

/** @throws FormatError where a file is damaged, scenes do not match, or bands or units are not clear. */
export async function importScene(
  store: Store,
  { scene, stem, folder, options }: SceneTask,
  signal?: AbortSignal,
): Promise<ScenePart> {
  const findings = new Findings(options.strict);
  let format: ScenePart['format'];
  const list = options.windows && new WindowList(store, options.windows);
  const part = await DatasetWriter.part(store, folder, async (writer) => {
    if (scene.guess !== undefined) findings.guess(scene.sar, scene.guess);
    const sar = placed(await openSar(store, scene.sar, options, findings), scene.place);
    const optical = placed(await openOptical(store, scene.optical, options, findings), scene.place);
    const named: NamedScene = {
      name: scene.name,
      sar: { name: scene.sar, file: sar, bands: sarBandOf(sar, scene.sar, options.sarBand) },
      optical: {
        ...{ name: scene.optical, file: optical },
        bands: opticalBandsOf(optical, scene.optical, options.opticalBands),
      },
    };
    const both = `${scene.sar} and ${scene.optical}`;
    const onGuess = (guess: string) => findings.guess(both, guess);
    for await (const patch of cutScenes(named.sar, named.optical, { ...options, signal, onGuess })) {
      if ('reason' in patch) {
        writer.skip(patch.reason, patch.count);
        continue;
      }
      format ??= { sar: patch.sar.unit, optical: patch.optical.unit, bands: patch.optical.bands };
      findings.add(both, { guesses: [], notes: oneImage(patch) });
      const name = `${patch.row / options.stride}-${patch.column / options.stride}`;
      if (list) writer.addWindow(await list.add(`${scene.name}/${name}`, patch, named));
      else await addFiles(writer, `${stem}/${name}`, `${scene.name}/${name}`, patch, named);
    }
    findings.guessAll(scene.sar, sar.guessesOfSamples());
  });
  return { part, findings: findings.list(), format, windows: list?.found() };
}

/** The file on the ground that it shows. */
function placed(file: PlacedFile, place: Footprint | undefined): PlacedFile {
  if (!place) return file;
  const [left, bottom, right, top] = place.bounds;
  const [x, y] = [(right - left) / file.width, (top - bottom) / file.height];
  return { ...file, crs: place.crs, transform: [left, x, 0, top, 0, -y], fitted: undefined };
}

async function addFiles(
  writer: DatasetWriter,
  stem: string,
  id: string,
  { sar, optical, column, row, grid }: CutPatch,
  scene: NamedScene,
): Promise<void> {
  const footprint = footprintOf(grid, { column, row, width: sar.width, height: sar.height });
  writer.addRecord({
    id,
    sar: await writer.addPatch(`${stem}.sar`, sar),
    optical: await writer.addPatch(`${stem}.optical`, optical),
    ...{ group: scene.name, label: 1, provenance: 'real' },
    ...(footprint && { footprint }),
    source: { sar: nameOf(scene.sar.name), optical: nameOf(scene.optical.name), column, row },
  });
}
