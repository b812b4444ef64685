/**
 * Draws where the windows of a batch lie, and where in them their templates. What is drawn follows from seed and step
 * alone, so that a run resumes at any step.
 */
import { Rng } from '../../../base/random.ts';
import type { LocalisationSettings } from './settings.ts';
import type { Place, PlacedPatch, TrainingScenes } from './training_scenes.ts';

/** An optical window, and the SAR template that lies in it. */
export interface DrawnWindow {
  /** Index of the scene. */
  scene: number;
  /** Upper left pixel of the optical window in its scene. */
  window: Place;
  /** Upper left pixel of the SAR template in its scene. */
  template: Place;
  /** True upper left corner of the template within the window: a fraction where the scene's alignment is one. */
  offset: Place;
  /** Right angles, counter-clockwise, by which both are turned; then they are mirrored, if at all. */
  turns: number;
  flip: boolean;
}

export interface PlaceOptions extends Pick<LocalisationSettings, 'search' | 'perScene'> {
  seed: number;
  /** Windows in a batch. */
  windows: number;
  /** Side of a template in pixels. */
  side: number;
  turns: boolean;
  flips: boolean;
}

/** Draws before a place that keeps its distance, or a template that stays inside, is given up. */
const TRIES = 200;

/**
 * Windows of a step: those around the anchors first, as far as there is room, then up to `perScene` in each of different
 * scenes; windows of one scene lie so far apart that they share no ground.
 *
 * @returns the windows, and by anchor its window, undefined where it found none.
 */
export function drawWindows(
  source: TrainingScenes,
  step: number,
  options: PlaceOptions,
  anchors: readonly PlacedPatch[] = [],
): { drawn: DrawnWindow[]; anchored: (DrawnWindow | undefined)[] } {
  const rng = Rng.derive(options.seed, 'windows', step);
  const drawn: DrawnWindow[] = [];
  const anchored = anchors.map((anchor) => {
    const taken = drawn.filter(({ scene }) => scene === anchor.scene);
    const found =
      drawn.length < options.windows
        ? drawInScene(source, anchor.scene, taken, rng, options, anchor.upperLeft)
        : undefined;
    if (found) drawn.push(found);
    return found;
  });
  while (drawn.length < options.windows) {
    const before = drawn.length;
    for (const scene of rng.shuffle(source.scenes.map((_, i) => i))) {
      const inScene = drawn.filter((each) => each.scene === scene);
      const room = Math.min(options.perScene, options.windows - drawn.length);
      for (let i = 0; i < room; i++) {
        const found = drawInScene(source, scene, inScene, rng, options);
        if (!found) break;
        inScene.push(found);
        drawn.push(found);
      }
      if (drawn.length === options.windows) break;
    }
    if (drawn.length === before) throw new Error(`there is no room for ${options.windows} windows`);
  }
  return { drawn, anchored };
}

/** @param fixed place of the template, if it is given. */
function drawInScene(
  { scenes, shiftOf }: TrainingScenes,
  scene: number,
  taken: readonly DrawnWindow[],
  rng: Rng,
  { side, search, turns, flips }: PlaceOptions,
  fixed?: Place,
): DrawnWindow | undefined {
  const { width, height } = scenes[scene]!;
  const extent = side + 2 * search;
  const shift = shiftOf(scene);
  for (let i = 0; i < TRIES; i++) {
    const [row, column] = [rng.int(2 * search + 1), rng.int(2 * search + 1)];
    const window = fixed
      ? { row: fixed.row + Math.round(shift.row) - row, column: fixed.column + Math.round(shift.column) - column }
      : { row: rng.int(height - extent + 1), column: rng.int(width - extent + 1) };
    if (taken.some((other) => distance(other.window, window) < extent + 2 * search)) continue;
    if (!isWithin(window, extent, scenes[scene]!)) continue;
    const template = {
      row: window.row + row - Math.round(shift.row),
      column: window.column + column - Math.round(shift.column),
    };
    const offset = {
      row: template.row + shift.row - window.row,
      column: template.column + shift.column - window.column,
    };
    const isFound = [offset.row, offset.column].every((each) => each >= 0 && each <= 2 * search);
    if (!isFound || !isWithin(template, side, scenes[scene]!)) continue;
    return { scene, window, template, ...turned(offset, 2 * search, rng, turns, flips) };
  }
  return undefined;
}

const isWithin = ({ row, column }: Place, side: number, scene: { width: number; height: number }) =>
  row >= 0 && column >= 0 && row + side <= scene.height && column + side <= scene.width;

/** Chebyshev distance. */
const distance = (a: Place, b: Place) => Math.max(Math.abs(a.row - b.row), Math.abs(a.column - b.column));

/** Offset of the template once window and template are turned and mirrored. @param last largest offset. */
function turned(offset: Place, last: number, rng: Rng, turns: boolean, flips: boolean) {
  const angle = turns ? rng.int(4) : 0;
  const flip = flips && rng.int(2) === 1;
  let { row, column } = offset;
  for (let i = 0; i < angle; i++) [row, column] = [last - column, row];
  if (flip) column = last - column;
  return { offset: { row, column }, turns: angle, flip };
}
