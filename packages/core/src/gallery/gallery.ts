/** An open gallery: cells of all scenes in memory, pixels of a scene when they are asked for. */
import { hashFile } from '../base/hash_file.ts';
import { StaleCacheError, UsageError } from '../errors.ts';
import type { FeatureMap } from '../localisation/feature_map.ts';
import { BlockCache } from '../raster/block_cache.ts';
import { joinPath, nameOf, type Store } from '../store.ts';
import { readCells } from './cells_file.ts';
import { type GalleryFacts, readGallery } from './gallery_file.ts';
import { type OpenedScene, openScene } from './opened_scene.ts';
import { CELL } from './place_cells.ts';
import { TileMaps } from './tile_maps.ts';

/** Bytes of decoded blocks of all scenes that are kept. */
const CACHE_BYTES = 256 * 2 ** 20;
/** Largest file whose hash is compared before it is used; of larger ones the size has to do. */
const HASHED_BYTES = 2 ** 26;

export class Gallery {
  readonly folder: string;
  readonly facts: GalleryFacts;
  private readonly store: Store;
  private readonly maps: readonly FeatureMap[];
  private readonly cache = new BlockCache({ maxBytes: CACHE_BYTES });
  private readonly opened = new Map<number, Promise<OpenedScene>>();
  private readonly bySide = new Map<number, TileMaps>();

  private constructor(store: Store, folder: string, facts: GalleryFacts, maps: readonly FeatureMap[]) {
    this.store = store;
    this.folder = folder;
    this.facts = facts;
    this.maps = maps;
  }

  /** @throws FileError or FormatError if a file of the gallery is missing or damaged; scenes are not looked at. */
  static async open(store: Store, folder: string): Promise<Gallery> {
    const facts = await readGallery(store, folder);
    const maps: FeatureMap[] = [];
    for (const scene of facts.scenes) maps.push(await readCells(store, folder, scene, facts.channels));
    return new Gallery(store, folder, facts, maps);
  }

  /** Tiles of a patch side, a multiple of 8. Those of the last few sides are kept. */
  tiles(side: number = this.facts.side): TileMaps {
    const known = this.bySide.get(side);
    if (known) return known;
    if (!Number.isInteger(side / CELL) || side <= 0) throw oddSide(side);
    const tiles = new TileMaps(this.maps, side);
    if (this.bySide.size >= KEPT_SIDES) this.bySide.delete([...this.bySide.keys()].find((s) => s !== this.facts.side)!);
    this.bySide.set(side, tiles);
    return tiles;
  }

  /** File name of a scene, without the folder. */
  sceneName(scene: number): string {
    return nameOf(this.facts.scenes[scene]!.file);
  }

  /**
   * Pixels of a scene.
   *
   * @throws FileError if its file is missing. @throws StaleCacheError if it is not the one that was embedded.
   */
  scene(scene: number): Promise<OpenedScene> {
    const known = this.opened.get(scene);
    if (known) return known;
    const opening = this.openScene(scene);
    this.opened.set(scene, opening);
    opening.catch(() => this.opened.delete(scene)); // the file may be there the next time
    return opening;
  }

  async close(): Promise<void> {
    const scenes = await Promise.allSettled(this.opened.values());
    for (const each of scenes) if (each.status === 'fulfilled') await each.value.close();
    this.opened.clear();
  }

  private async openScene(index: number): Promise<OpenedScene> {
    const { modality, unit } = this.facts;
    const { file, bytes, sha256, bands, levels, companions } = this.facts.scenes[index]!;
    const path = joinPath(this.folder, file);
    const info = await this.store.stat(path);
    if (info && info.size !== bytes) throw otherScene(path);
    if (info && bytes <= HASHED_BYTES && (await hashFile(this.store, path, bytes)) !== sha256) throw otherScene(path);
    return openScene(this.store, path, {
      ...{ sensor: modality, unit, levels, cache: this.cache },
      bands: bands.map((band) => band - 1),
      companions: Object.keys(companions ?? {}),
    });
  }
}

/** Patch sides whose tiles are kept. */
const KEPT_SIDES = 3;

const oddSide = (side: number) =>
  new UsageError({
    action: 'search the gallery',
    expected: `a patch side that is a multiple of ${CELL}`,
    found: String(side),
  });

const otherScene = (file: string) =>
  new StaleCacheError({
    ...{ action: 'use the scene', file, expected: 'the file that was embedded', found: 'another one' },
    remedy: 'Bring it back, or build the gallery again: changed scenes are embedded again.',
  });
