/** Batches of templates and windows, read one step ahead. */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../../base/random.ts';
import { type PatchStack, patchAt } from '../../../generator/patch_stack.ts';
import type { Modality } from '../../../prepare/normalisation.ts';
import type { PatchShape, PatchSource } from '../../../prepare/patch_source.ts';
import { toTensor } from '../../../prepare/patch_source.ts';
import { ownOf, type Processes } from '../../../processes/communicator.ts';
import { oneStepAhead } from '../../../runs/ahead.ts';
import { deck } from '../../../runs/deck.ts';
import { generatedShare, minedShare, type TrainingConfig, totalSteps } from '../config.ts';
import type { RunNegatives } from '../hard_negatives.ts';
import { type AlikeAnchors, alikeTo } from '../sampler.ts';
import type { Supply } from '../supply.ts';
import { drawHardTemplates, type HardTemplate } from './hard_templates.ts';
import type { LocalisationBatch } from './loss.ts';
import { changedTones, turnedSamples } from './pixels.ts';
import { type DrawnWindow, drawWindows } from './places.ts';
import type { LocalisationSettings } from './settings.ts';
import { cropped, type PlacedPatch, type TrainingScenes } from './training_scenes.ts';

export interface LocalisationInputs {
  source: TrainingScenes;
  config: TrainingConfig;
  settings: LocalisationSettings;
  /** Bands, and the side of a template. */
  shape: PatchShape;
  /** Pixels between neighbouring places of a map. */
  stride: number;
  /** Prepared patches of records. */
  patches: PatchSource;
  /** Records around which windows of a batch lie together. */
  alike?: AlikeAnchors | undefined;
  /** Processes that share each batch. */
  processes?: Processes | undefined;
}

interface Prepared {
  /** Windows and further templates that the loss compares. */
  drawn: DrawnWindow[];
  hard: PlacedTemplate[];
  /** Weight of that loss. */
  share: number | undefined;
  /** Templates: those of the windows, then the hard ones. */
  sar: Float32Array[];
  optical: Float32Array[];
}

/** Hard template, and the index of the window that it is a negative of. */
interface PlacedTemplate extends HardTemplate {
  own: number;
}

export function localisationSupply(inputs: LocalisationInputs): Supply<LocalisationBatch> {
  const { source, config, settings, shape, stride, processes } = inputs;
  const { side } = shape;
  const extent = side + 2 * settings.search;
  const take = oneStepAhead<Prepared>();
  const gatheredAt = gatherer(inputs);
  const options = {
    ...{ seed: config.seed, windows: config.batch.positives, side, search: settings.search },
    ...{ perScene: settings.perScene, turns: config.augmentation.turns, flips: config.augmentation.flips },
  };

  const tones = (samples: Float32Array, size: number, modality: Modality, window: DrawnWindow, rng: Rng) => {
    const bands = modality === 'sar' ? shape.sarBands : shape.opticalBands;
    return changedTones(turnedSamples(samples, size, bands, window), bands, modality, rng, settings.radiometry);
  };

  async function samplesOf(modality: Modality, step: number, drawn: DrawnWindow, index: number) {
    const [at, size] = modality === 'sar' ? [drawn.template, side] : [drawn.window, extent];
    const samples = await source.read(drawn.scene, modality, at, size);
    return tones(samples, size, modality, drawn, Rng.derive(config.seed, 'tones', step, index, modality));
  }

  async function templateOf(patch: HardTemplate['patch'], stack?: PatchStack): Promise<Float32Array> {
    if ('mined' in patch) return source.read(patch.mined.scene, 'sar', patch.mined.upperLeft, side);
    if ('record' in patch) return middleOf(await inputs.patches.sar(patch.record), side);
    return middleOf(madePatch(patch.made, stack), side);
  }

  async function hardSamples({ patch, own }: PlacedTemplate, step: number, drawn: DrawnWindow[], stack?: PatchStack) {
    const rng = Rng.derive(config.seed, 'hard tones', step, own);
    const samples = await templateOf(patch, stack);
    return tones(samples, side, 'sar', drawn[own]!, rng);
  }

  async function prepare(step: number, negatives: RunNegatives): Promise<Prepared> {
    const epoch = Math.floor(step / config.stepsPerEpoch);
    const counts = {
      mined: Math.round(config.batch.negatives * minedShare(config, epoch, negatives.mined.size > 0)),
      generated: Math.round(config.batch.negatives * generatedShare(config, epoch, negatives.generated !== undefined)),
    };
    const wanted = drawHardTemplates(source, negatives, counts, { seed: config.seed, step });
    const anchors = [...wanted.map(({ anchor }) => anchor), ...gatheredAt(step)];
    const { drawn, anchored } = drawWindows(source, step, options, anchors);
    const hard = wanted.flatMap((template, i) => {
      const own = drawn.indexOf(anchored[i]!);
      return own < 0 ? [] : [{ ...template, own }];
    });
    const read = {
      sar: [
        ...drawn.map((window, index) => () => samplesOf('sar', step, window, index)),
        ...hard.map((template) => () => hardSamples(template, step, drawn, negatives.stack)),
      ],
      optical: drawn.map((window, index) => () => samplesOf('optical', step, window, index)),
    };
    const { own, compared, share } = sharesOf({ drawn, hard }, processes);
    const all = (modality: Modality) => Promise.all(own[modality].map((row) => read[modality][row]!()));
    const [sar, optical] = await Promise.all([all('sar'), all('optical')]);
    return { ...compared, share, sar, optical };
  }

  return {
    async batch(step, negatives) {
      const hasNext = step + 1 < Math.min(totalSteps(config), negatives.until);
      const { drawn, hard, share, sar, optical } = await take(step, (at) => prepare(at, negatives), hasNext);
      return {
        sar: toTensor(sar, 'sar', shape),
        optical: toTensor(optical, 'optical', { ...shape, side: extent }),
        ...placesOf(drawn, settings, stride),
        rivals: rivalsOf(drawn, hard, source, config.negatives.counted ?? true),
        descriptor: settings.descriptor,
        share,
      };
    },
  };
}

interface Compared {
  drawn: DrawnWindow[];
  hard: PlacedTemplate[];
}

/**
 * Rows of templates and windows that a process passes, and what its loss compares. Where the matrix is gathered every
 * process compares the whole batch, and the loss has the weight of one among them; otherwise each compares its own
 * windows, with the further templates that are negatives of these.
 */
function sharesOf({ drawn, hard }: Compared, processes: Processes | undefined) {
  const windows = drawn.map((_, row) => row);
  const templates = [...windows, ...hard.map((_, row) => drawn.length + row)];
  if (!processes) return { own: { sar: templates, optical: windows }, compared: { drawn, hard }, share: undefined };
  const { communicator, matrix } = processes;
  const optical = ownOf(windows, communicator);
  if (matrix === 'gathered') {
    const own = { sar: ownOf(templates, communicator), optical };
    return { own, compared: { drawn, hard }, share: 1 / communicator.size };
  }
  const isOwn = ({ own }: PlacedTemplate) => optical.includes(own);
  return {
    own: { sar: [...optical, ...hard.flatMap((each, row) => (isOwn(each) ? [drawn.length + row] : []))], optical },
    compared: {
      drawn: optical.map((row) => drawn[row]!),
      hard: hard.filter(isOwn).map((each) => ({ ...each, own: optical.indexOf(each.own) })),
    },
    share: optical.length / drawn.length,
  };
}

/** Places of records that are alike, around which a part of the windows of a step lies. */
function gatherer({ alike, source, config: { seed } }: LocalisationInputs): (step: number) => PlacedPatch[] {
  if (!alike) return () => [];
  const deal = deck([...alike.of.keys()], seed, 'alike');
  return (step) => {
    const [first] = deal(step, 1);
    return alikeTo(first!, alike, Rng.derive(seed, 'alike', step)).flatMap((record) => source.patchAt(record) ?? []);
  };
}

function madePatch(row: number, stack: PatchStack | undefined): Float32Array {
  if (!stack) throw new Error(`row ${row} of made patches was drawn, and there are none`);
  return patchAt(stack, row);
}

/** Middle of a patch of one band. */
function middleOf(patch: Float32Array, side: number): Float32Array {
  const whole = Math.sqrt(patch.length);
  const margin = (whole - side) / 2;
  return cropped(patch, whole, 1, { row: margin, column: margin }, side);
}

/** Right places of each window's map, and those that are left out. */
function placesOf(drawn: readonly DrawnWindow[], { search, disc, ring }: LocalisationSettings, stride: number) {
  const n = (2 * search) / stride + 1;
  const [positive, ignored] = [new Float32Array(drawn.length * n * n), new Float32Array(drawn.length * n * n)];
  drawn.forEach(({ offset }, i) => {
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < n; column++) {
        const distance = Math.hypot(row * stride - offset.row, column * stride - offset.column);
        const at = (i * n + row) * n + column;
        if (distance <= disc) positive[at] = 1;
        else if (distance <= ring) ignored[at] = 1;
      }
    }
  });
  const shape: [number, number, number] = [drawn.length, n, n];
  return { positive: tf.tensor3d(positive, shape), ignored: tf.tensor3d(ignored, shape) };
}

/**
 * Windows of one scene lie apart; those of other scenes are rivals unless the scenes share ground. A mined template is a
 * rival of windows in other scenes, too; a made one, and a mined one of another place than the training scenes, of its own
 * window alone.
 *
 * @param counted whether made ones are rivals at all.
 */
function rivalsOf(
  drawn: readonly DrawnWindow[],
  hard: readonly PlacedTemplate[],
  { sameGround }: TrainingScenes,
  counted: boolean,
) {
  const apart = (a: number, b: number) => a !== b && !sameGround(a, b);
  const ofWindows = drawn.map((template) =>
    drawn.map((window) => Number(template.scene === window.scene || apart(template.scene, window.scene))),
  );
  const ofHard = hard.map(({ patch, own }) =>
    drawn.map((window, i) =>
      Number(
        'mined' in patch
          ? i === own || apart(patch.mined.scene, window.scene)
          : i === own && (counted || 'record' in patch),
      ),
    ),
  );
  return tf.tensor2d([...ofWindows, ...ofHard]);
}
