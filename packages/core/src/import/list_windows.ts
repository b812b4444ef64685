/** Lists the patches of scenes as windows of the scene files, so that nothing is cut into files (`pairs.jsonl`, version 2). */
import { sha256 } from '../base/sha256.ts';
import { describeSceneFile } from '../dataset/scene_files.ts';
import type { SceneEntry, SceneFileEntry, WindowRecord } from '../dataset/scene_list.ts';
import type { Sensor } from '../dataset/scenes.ts';
import { isFlat } from '../dataset/shared_images.ts';
import { FormatError, UsageError } from '../errors.ts';
import type { Raster } from '../raster/raster.ts';
import type { Store } from '../store.ts';
import type { CutPatch, SceneFile } from './cut_scenes.ts';

export interface ScenesOnDisk {
  /** Folder that all scene files lie in, as their paths begin. */
  root: string;
  /** The same folder relative to the data set's, or absolute, as `location.json` records it. */
  location: string;
}

/** Scene that is being cut: its place, and its files. */
export interface NamedScene {
  name: string;
  sar: SceneFile;
  optical: SceneFile;
}

/** Contents of windows by the id of their pair; images of one value have none, for many places give them. */
export type WindowImages = Map<string, { sar?: string; optical?: string }>;

/** Lists the windows of one scene. */
export class WindowList {
  private readonly store: Store;
  private readonly root: string;
  private readonly images: WindowImages = new Map();
  private scene: SceneEntry | undefined;

  constructor(store: Store, { root }: ScenesOnDisk) {
    this.store = store;
    this.root = root;
  }

  /** @throws FormatError where a window of the two files cannot show the patches: they differ in their grids. */
  async add(id: string, patch: CutPatch, scene: NamedScene): Promise<WindowRecord> {
    this.scene ??= await this.describe(patch, scene);
    const { column, row, sar, optical } = patch;
    this.images.set(id, {
      ...(!isFlat(sar) && { sar: await contentOf(sar) }),
      ...(!isFlat(optical) && { optical: await contentOf(optical) }),
    });
    return { id, scene: scene.name, column, row, label: 1, provenance: 'real' };
  }

  /** The scene and its images; undefined where no window was listed. */
  found(): { scene: SceneEntry; images: WindowImages } | undefined {
    return this.scene && { scene: this.scene, images: this.images };
  }

  private async describe({ grid, placements }: CutPatch, { name, sar, optical }: NamedScene): Promise<SceneEntry> {
    const { crs, transform, width, height } = grid;
    if (!placements.sar || !placements.optical) throw otherGrids(sar.name, optical.name);
    if (crs !== undefined && !transform) throw fittedGrid(sar.name, optical.name);
    return {
      ...{ id: name, group: name, width, height },
      ...(crs !== undefined && transform && { place: { crs, transform } }),
      sar: await this.describeFile(sar, placements.sar),
      optical: await this.describeFile(optical, placements.optical),
    };
  }

  private async describeFile({ name, file, bands }: SceneFile, at: readonly [number, number]): Promise<SceneFileEntry> {
    const { width, height } = file;
    return {
      file: pathInside(name, this.root),
      ...(await describeSceneFile(this.store, name)),
      ...{ width, height, bands: bands.map((band) => band + 1), at: [...at] },
    };
  }
}

/** Finds copies of images among the windows of all scenes. */
export class Copies {
  /** Ids of the pairs that show an image first, by sensor and content. */
  private readonly shown = new Map<string, string>();

  /** Windows with the earlier pairs that show the same images. */
  mark(windows: readonly WindowRecord[], images: WindowImages): WindowRecord[] {
    return windows.map((window) => {
      const { sar, optical } = images.get(window.id)!;
      const copies = { ...this.copyOf('sar', sar, window.id), ...this.copyOf('optical', optical, window.id) };
      return Object.keys(copies).length > 0 ? { ...window, copies } : window;
    });
  }

  private copyOf(sensor: Sensor, content: string | undefined, id: string): WindowRecord['copies'] {
    if (content === undefined) return {};
    const first = this.shown.get(`${sensor} ${content}`);
    if (first === undefined) this.shown.set(`${sensor} ${content}`, id);
    return first === undefined ? {} : { [sensor]: first };
  }
}

/** SHA-256 of the samples, whatever missing ones hold. */
function contentOf({ data, bands, noData }: Raster): Promise<string> {
  const samples = noData ? data.map((sample, i) => (noData[Math.floor(i / bands)] ? Number.NaN : sample)) : data;
  return sha256(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
}

function pathInside(path: string, root: string): string {
  if (root === '.' && !path.startsWith('/')) return path;
  const start = `${root.replace(/\/+$/, '')}/`;
  if (path.startsWith(start)) return path.slice(start.length);
  throw new UsageError({
    ...{ action: `refer to the scene ${path}`, expected: `a file inside of ${root}`, found: 'one outside' },
    remedy: 'Put all scenes below one folder.',
  });
}

const otherGrids = (sar: string, optical: string) =>
  new FormatError({
    ...{ action: 'refer to windows of', file: `${sar} and ${optical}` },
    expected: 'scenes whose pixels coincide, so that a window of one is a window of the other',
    found: 'another resolution, reference system or offset: samples must be interpolated',
    remedy: 'Leave --windows out: the patches are cut into files then.',
  });

const fittedGrid = (sar: string, optical: string) =>
  new FormatError({
    ...{ action: 'refer to windows of', file: `${sar} and ${optical}` },
    ...{ expected: 'scenes that are placed by a transform', found: 'a place by ground control points' },
    remedy: 'Leave --windows out: the patches are cut into files then.',
  });
