/**
 * Builds a gallery, or adds scenes to one. A scene is embedded once: its cells appear under their name when they are complete,
 * and the list of the gallery names them after that, so that a build that was stopped goes on where it was.
 */
import { sha256 } from '../base/sha256.ts';
import type { Watch } from '../base/watch.ts';
import { describeSceneFile } from '../dataset/scene_files.ts';
import type { Sensor } from '../dataset/scenes.ts';
import { FileError, UsageError } from '../errors.ts';
import type { Model } from '../model.ts';
import type { Unit } from '../raster/raster.ts';
import { relativePath } from '../registration/outputs/relative_path.ts';
import { joinPath, type Store } from '../store.ts';
import { writeCells } from './cells_file.ts';
import { embedScene } from './embed_scene.ts';
import { findGallery, type GalleryFacts, type GalleryScene, requireModel, writeGallery } from './gallery_file.ts';
import { boundsOf, openScene } from './opened_scene.ts';
import { placeCells } from './place_cells.ts';

/** Model and sensor of a gallery, and where it lies. */
export interface GalleryTask {
  /** Folder of the gallery. */
  out: string;
  model: Model;
  /** Name or path of the model, for later searches. */
  modelName: string;
  /** Sensor of the scenes; patches of the other one are searched. */
  sensor: Sensor;
  /** Unit of the samples, where files do not say it. */
  unit?: Unit | undefined;
}

export interface EmbedTask extends Omit<GalleryTask, 'modelName'> {
  /** Bands counted from 0; default: the only one, or red, green and blue. */
  bands?: readonly number[] | undefined;
}

export interface BuildTask extends GalleryTask, EmbedTask {
  /** Paths of the scenes. */
  scenes: readonly string[];
}

export interface BuildReport {
  gallery: GalleryFacts;
  /** Scenes that were embedded now, and those that were there. */
  embedded: number;
  kept: number;
}

export interface BuildWatch extends Pick<Watch, 'signal'> {
  /** Notified before each scene. */
  onScene?: ((file: string, done: number, total: number) => void) | undefined;
}

/**
 * Embeds the scenes that the gallery does not hold, recognised by their content. One whose file has changed is embedded again.
 *
 * @throws UsageError for a model that does not search, or a gallery of the other sensor; StaleCacheError for one of another
 * model. @throws FileError or FormatError if a scene cannot be read, and the signal's reason when it is aborted: scenes
 * before it are kept.
 */
export async function buildGallery(store: Store, task: BuildTask, watch: BuildWatch = {}): Promise<BuildReport> {
  const { out, scenes } = task;
  let gallery = await begunGallery(store, task);
  await writeGallery(store, out, gallery); // a folder that cannot be written is found before the work
  let fresh = 0;
  for (const [i, path] of scenes.entries()) {
    watch.signal?.throwIfAborted();
    watch.onScene?.(path, i, scenes.length);
    const entry = { file: await relativePath(store, out, path), ...(await describeSceneFile(store, path)) };
    const known = gallery.scenes.find((scene) => isSameContent(scene, entry) && hasBands(scene, task.bands));
    if (known?.file === entry.file) continue;
    if (!known) fresh++;
    const scene = known ? { ...known, file: entry.file } : await embedded(store, task, path, entry, watch);
    gallery = await withScenes(store, out, gallery, [scene]);
  }
  watch.onScene?.('', scenes.length, scenes.length);
  return { gallery, embedded: fresh, kept: scenes.length - fresh };
}

/**
 * Embeds one scene into a folder: its cells get a name of their own, by which any number of processes can do so at once.
 *
 * @returns what `collectGallery` takes, with the path as it was given. @throws as `buildGallery`.
 */
export const embedSceneFile = async (
  store: Store,
  task: EmbedTask,
  path: string,
  watch: BuildWatch = {},
): Promise<GalleryScene> =>
  embedded(store, task, path, { file: path, ...(await describeSceneFile(store, path)) }, watch);

/**
 * Adds embedded scenes to the gallery of a folder, or begins one.
 *
 * @param from folders in which cells lie that the gallery's own folder has not; they are copied once the gallery may take them.
 * @throws as `buildGallery`, and FileError for cells that lie in none of the folders: then nothing was written.
 */
export async function collectGallery(
  store: Store,
  task: GalleryTask,
  scenes: readonly GalleryScene[],
  { from = [] }: { from?: readonly string[] } = {},
): Promise<GalleryFacts> {
  const { out } = task;
  const begun = await begunGallery(store, task);
  const sources: [cells: string, file: string][] = [];
  for (const cells of new Set(scenes.map((scene) => scene.cells))) {
    sources.push([cells, await fileOfCells(store, cells, [out, ...from])]);
  }
  for (const [cells, file] of sources) {
    const own = joinPath(out, cells);
    if (file !== own) await store.write(own, await store.read(file));
  }
  await writeGallery(store, out, begun); // paths are relative to a folder that is there
  const added: GalleryScene[] = [];
  for (const scene of scenes) added.push({ ...scene, file: await relativePath(store, out, scene.file) });
  return withScenes(store, out, begun, added);
}

/** Path of cells in the first folder that has them. @throws FileError if none does. */
async function fileOfCells(store: Store, cells: string, folders: readonly string[]): Promise<string> {
  for (const folder of folders) if (await store.stat(joinPath(folder, cells))) return joinPath(folder, cells);
  throw new FileError({
    ...{ action: 'collect the cells', file: cells, expected: `it in ${folders.join(' or ')}`, found: 'nothing' },
    remedy: 'Name the folder that has it, such as by --results; or embed the scene again.',
  });
}

/** Gallery that is there, else a new one. */
async function begunGallery(store: Store, { out, model, modelName, sensor, unit }: GalleryTask): Promise<GalleryFacts> {
  const { channels } = placeCells(model);
  const { info } = model;
  const begun = await findGallery(store, out);
  if (!begun) {
    return {
      ...{ doppel: 'gallery', version: 1, modality: sensor, side: info.side, channels, scenes: [] },
      ...{ model: { name: modelName, fingerprint: info.fingerprint }, ...(unit && { unit }) },
    };
  }
  requireModel(begun, info.fingerprint, out);
  if (begun.modality === sensor && begun.unit === unit) return begun;
  const words = (modality: string, its: string | undefined) => `${modality} scenes${its ? ` in ${its}` : ''}`;
  throw new UsageError({
    ...{ action: `add scenes to ${out}`, expected: words(begun.modality, begun.unit), found: words(sensor, unit) },
    remedy: 'Use the settings that it was begun with, or build another gallery.',
  });
}

type Described = Pick<GalleryScene, 'file' | 'bytes' | 'sha256' | 'companions'>;

const isSameContent = (a: Described, b: Described): boolean =>
  a.sha256 === b.sha256 && JSON.stringify(a.companions ?? {}) === JSON.stringify(b.companions ?? {});

/** @param bands counted from 0, where they are wanted. */
const hasBands = (scene: GalleryScene, bands: BuildTask['bands']): boolean =>
  bands === undefined || scene.bands.join() === bands.map((band) => band + 1).join();

/** Name of the cells of a file, its companions and its bands. */
async function cellsOf({ sha256: hash, companions }: Described, bands: readonly number[]): Promise<string> {
  const all = new TextEncoder().encode(JSON.stringify([hash, companions]));
  const content = companions ? await sha256(all) : hash;
  return `cells-${content.slice(0, 16)}-${bands.join('_')}.safetensors`;
}

async function embedded(
  store: Store,
  { out, model, sensor, unit, bands }: EmbedTask,
  path: string,
  entry: Described,
  watch: BuildWatch,
): Promise<GalleryScene> {
  const scene = await openScene(store, path, { sensor, unit, bands, levels: 'measure' });
  try {
    const cells = await cellsOf(entry, scene.bands);
    await writeCells(store, joinPath(out, cells), await embedScene(placeCells(model), sensor, scene, watch));
    const bounds = boundsOf(scene);
    return {
      ...{ ...entry, bands: scene.bands.map((band) => band + 1), width: scene.width, height: scene.height },
      ...(scene.levels && { levels: [...scene.levels] }),
      ...(scene.metres && { metres: scene.metres }),
      ...(bounds && { bounds }),
      cells,
    };
  } finally {
    await scene.close();
  }
}

/** Writes the gallery with further scenes, each in the place of an older one of the same file or content. */
async function withScenes(
  store: Store,
  out: string,
  gallery: GalleryFacts,
  added: readonly GalleryScene[],
): Promise<GalleryFacts> {
  let { scenes } = gallery;
  for (const scene of added) {
    const isReplaced = (other: GalleryScene) => other.file === scene.file || isSameContent(other, scene);
    scenes = [...scenes.filter((other) => !isReplaced(other)), scene];
  }
  const changed = { ...gallery, scenes };
  await writeGallery(store, out, changed);
  const used = new Set(scenes.map(({ cells }) => cells));
  for (const { cells } of gallery.scenes) if (!used.has(cells)) await store.remove(joinPath(out, cells));
  return changed;
}
