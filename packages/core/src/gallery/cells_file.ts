/** File of the cells of one scene. */
import { readSafetensors, type TensorArray, writeSafetensors } from '../base/safetensors.ts';
import { FormatError } from '../errors.ts';
import type { FeatureMap } from '../localisation/feature_map.ts';
import { joinPath, type Store } from '../store.ts';
import type { GalleryScene } from './gallery_file.ts';
import { CELL } from './place_cells.ts';

export function writeCells(store: Store, path: string, { data, height, width, channels }: FeatureMap): Promise<void> {
  const cells = { dtype: 'F32', shape: [height, width, channels], data: data as TensorArray } as const;
  return store.write(path, writeSafetensors(new Map([['cells', { ...cells, shape: [...cells.shape] }]])));
}

/** @throws FileError or FormatError if the file is missing, cut short or of another scene. */
export async function readCells(
  store: Store,
  folder: string,
  scene: Pick<GalleryScene, 'cells' | 'width' | 'height'>,
  channels: number,
): Promise<FeatureMap> {
  const file = joinPath(folder, scene.cells);
  const cells = readSafetensors(await store.read(file), file).tensors.get('cells');
  const [height, width] = [Math.floor(scene.height / CELL), Math.floor(scene.width / CELL)];
  const expected = [height, width, channels].join(' × ');
  if (cells?.data instanceof Float32Array && cells.shape.join(' × ') === expected) {
    return { data: cells.data, height, width, channels };
  }
  throw new FormatError({
    ...{ action: 'read the cells', file, expected: `${expected} numbers`, found: cells?.shape.join(' × ') ?? 'none' },
    remedy: 'Remove the file and build the gallery again: other scenes are kept.',
  });
}
