/** Windows anywhere in the scenes of a split, read from their files. */
import type { Dataset } from '../../../dataset/dataset.ts';
import type { Scene } from '../../../dataset/scenes.ts';
import { SplitError } from '../../../errors.ts';
import { FootprintIndex } from '../../../geo/footprint_index.ts';
import type { Normalisation } from '../../../prepare/normalisation.ts';
import { PreparedWindows } from '../../../prepare/prepared_windows.ts';
import type { Place, TrainingScenes } from './training_scenes.ts';

/**
 * @param shifts from SAR to optical by scene, in pixels; default: none.
 * @throws SplitError where no scene lies in the training split as a whole.
 */
export function sceneWindows(
  dataset: Pick<Dataset, 'folder' | 'records' | 'scenesOf' | 'readWindow'>,
  normalisation: Normalisation,
  shifts: ReadonlyMap<string, Place> = new Map(),
): TrainingScenes {
  const scenes = dataset.scenesOf('train');
  if (scenes.length === 0) throw noScenes(dataset.folder);
  const indices = new Map(scenes.map(({ id }, i) => [id, i]));
  const sharing = groundOf(scenes);
  const windows = new PreparedWindows(dataset, normalisation);
  return {
    scenes: scenes.map(({ id, covered }) => ({ id, width: covered.width, height: covered.height })),
    shiftOf: (scene) => shifts.get(scenes[scene]!.id) ?? { row: 0, column: 0 },
    sameGround: (a, b) => sharing[a]!.has(b),
    patchAt(record) {
      const { window } = dataset.records[record]!;
      const scene = window && indices.get(window.scene);
      if (!window || scene === undefined) return undefined;
      const { column, row } = scenes[scene]!.covered;
      return { scene, upperLeft: { row: window.row - row, column: window.column - column } };
    },
    read(scene, modality, upperLeft, side) {
      const { id, covered } = scenes[scene]!;
      const [column, row] = [covered.column + upperLeft.column, covered.row + upperLeft.row];
      return windows.read(id, modality, { column, row, width: side, height: side });
    },
  };
}

/** Scenes that overlap, by scene. */
function groundOf(scenes: readonly Scene[]): ReadonlySet<number>[] {
  const grounds = scenes.map((scene) => scene.footprintOf(scene.covered));
  const index = new FootprintIndex(grounds, 0, 'the scenes');
  return scenes.map((_, i) => new Set(index.near(i)));
}

const noScenes = (folder: string) =>
  new SplitError({
    action: `draw windows from the scenes of ${folder}`,
    expected: 'scenes whose every pair is in the training split, on ground of their own',
    found: 'none',
    remedy: 'Split the data set by scene: `doppel data split`.',
  });
