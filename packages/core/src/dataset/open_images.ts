/** Opens the images of a list of pairs: a file each (version 1), or windows of scenes (version 2). */
import { PatchError } from '../errors.ts';
import { decodeRaster } from '../raster/open.ts';
import type { Raster, Unit } from '../raster/raster.ts';
import { joinPath, type Store } from '../store.ts';
import { imagesDigest, readContents, scenesDigest } from './fingerprint.ts';
import { type DatasetHeader, PAIRS_FILE, type PairRecord, type PairsFile, type WindowsHeader } from './pairs_file.ts';
import { requireSceneFiles, scenesFolder } from './scene_files.ts';
import { listScenes, type ReadWindow, type Scene, type Sensor, windowsOf } from './scenes.ts';
import { joinCopies } from './shared_images.ts';

/** @throws RangeError */
export function recordAt(records: readonly PairRecord[], index: number): PairRecord {
  const record = records[index];
  if (!record) throw new RangeError(`record ${index} of ${records.length}`);
  return record;
}

/** Images of the pairs, wherever they are. */
interface Images {
  /** Records with one name for all copies of an image. */
  records: PairRecord[];
  /** Part of the fingerprint that covers the images. */
  digest: string;
  scenes: Scene[];
  readWindow: ReadWindow;
  readSar(index: number): Promise<Raster>;
  readOptical(index: number): Promise<Raster>;
}

/** @param cacheBytes memory for decoded blocks of scenes. */
export function openImages(
  store: Store,
  folder: string,
  { header, records }: PairsFile,
  cacheBytes: number | undefined,
): Promise<Images> {
  return header.version === 1
    ? openImageFiles(store, folder, header, records)
    : openWindows(store, folder, header, records, cacheBytes);
}

async function openImageFiles(
  store: Store,
  folder: string,
  header: DatasetHeader,
  listed: readonly PairRecord[],
): Promise<Images> {
  const contents = await readContents(store, folder, listed);
  const records = await joinCopies(store, folder, listed, contents);
  const readPatch = async (path: string, { unit, bands }: { unit: Unit; bands: number }) => {
    const name = joinPath(folder, path);
    const raster = await decodeRaster(await store.read(name), name, { unit });
    return requireShape(raster, { side: header.side, bands }, name);
  };
  return {
    ...{ records, digest: await imagesDigest(listed, contents), scenes: [] },
    readWindow: async (scene) => {
      throw noScenes(folder, scene);
    },
    readSar: async (index) => readPatch(recordAt(records, index).sar, header.sar),
    readOptical: async (index) => readPatch(recordAt(records, index).optical, header.optical),
  };
}

async function openWindows(
  store: Store,
  folder: string,
  header: WindowsHeader,
  listed: PairRecord[],
  cacheBytes: number | undefined,
): Promise<Images> {
  const root = await scenesFolder(store, folder);
  await requireSceneFiles(store, header.scenes, root, folder);
  const readWindow = windowsOf(store, root, header, cacheBytes);
  const readPatch = async (index: number, sensor: Sensor) => {
    const { scene, column, row } = recordAt(listed, index).window!;
    return readWindow(scene, sensor, { column, row, width: header.side, height: header.side });
  };
  return {
    ...{ records: listed, digest: await scenesDigest(header.scenes), scenes: listScenes(header, listed), readWindow },
    readSar: (index) => readPatch(index, 'sar'),
    readOptical: (index) => readPatch(index, 'optical'),
  };
}

function requireShape(raster: Raster, { side, bands }: { side: number; bands: number }, file: string): Raster {
  if (raster.width === side && raster.height === side && raster.bands === bands) return raster;
  const shape = (width: number, height: number, count: number) => `${width} × ${height} pixels of ${count} band(s)`;
  throw new PatchError({
    ...{ action: 'use the patch', file },
    expected: `${shape(side, side, bands)}, as ${PAIRS_FILE} says`,
    found: shape(raster.width, raster.height, raster.bands),
    remedy: 'Import the data again.',
  });
}

const noScenes = (folder: string, scene: string) =>
  new PatchError({
    ...{ action: `read a window of the scene "${scene}" of`, file: folder },
    ...{ expected: 'a data set of windows (version 2)', found: 'one of image files' },
    remedy: 'Import the scenes with --windows.',
  });
