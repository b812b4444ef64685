/**
 * A scorer without a model, whose scores tell which pair they belong to: the mean of the SAR samples minus the mean of the
 * optical ones; of files, their numbers of bytes.
 */
import {
  type ImageInput,
  Models,
  type PairInput,
  type PairOutcome,
  type ScoringService,
  type ServedModel,
  type TileInput,
  type TileOutcome,
} from '@doppel/server';

function levelOf(image: ImageInput): number {
  if (image.kind === 'file') return image.bytes.length;
  const valid = image.data.filter(Number.isFinite);
  return valid.reduce((sum, value) => sum + value, 0) / Math.max(valid.length, 1);
}

const THRESHOLD = 0.5;

/** A file that is empty or images of different sizes cannot be used. */
export function fakeOutcome({ sar, optical }: PairInput): PairOutcome {
  const size = (image: ImageInput) => (image.kind === 'file' ? 'file' : `${image.height} × ${image.width}`);
  if (size(sar) !== size(optical) || levelOf(sar) === 0) {
    const [expected, found] = [size(sar), size(optical)];
    return { error: { problem: 'unusable-image', detail: `Cannot use ${optical.name}.`, expected, found } };
  }
  const score = levelOf(sar) - levelOf(optical);
  const probability = 1 / (1 + Math.exp(-score));
  return { score, probability, match: probability >= THRESHOLD, threshold: THRESHOLD };
}

export const SERVED: ServedModel = {
  name: 'fake.safetensors',
  info: {
    ...{ preset: 'paper-bn', side: 64, sarBands: 1, opticalBands: 1, fingerprint: 'f'.repeat(64) },
    ...{ calibration: { temperature: 1, threshold: THRESHOLD }, isCalibrated: true, metrics: { auc: 0.9 } },
    ...{ trainedOn: { folder: 'data', dataFingerprint: 'd'.repeat(64) }, version: '0.1.0' },
  },
  normalisation: {
    version: 1,
    side: 64,
    sar: { source: 'dB', unit: 'dB', bands: 1, speckleFilter: null, clip: null, standardise: 'patch' },
    optical: { bands: 'gray', clip: null, standardise: 'patch' },
  },
  backend: 'cpu',
  descriptorLength: 2,
};

/** Models of a server that holds only this one. */
export const soleModel = (scoring: ScoringService): Models => new Models([['fake', scoring]]);

/** Descriptor of a tile: its mean and its number of bands; a tile of zeros cannot be described. */
function describedTile({ tile }: TileInput): TileOutcome {
  if (tile.kind === 'file' || levelOf(tile) === 0) {
    return { error: { problem: 'unusable-image', detail: `Cannot describe ${tile.name}.` } };
  }
  return { descriptor: Float32Array.of(levelOf(tile), tile.bands) };
}

export interface FakeScorer extends ScoringService {
  isReady: boolean;
  /** Pairs of each call. */
  readonly calls: (readonly PairInput[])[];
  /** Holds every call until it resolves. */
  gate: Promise<void> | undefined;
  /** Thrown by the next calls. */
  failure: Error | undefined;
}

/** @param served what it says of its model. */
export function fakeScorer(served = SERVED): FakeScorer {
  const answer = async <In, Out>(work: readonly In[], signal: AbortSignal | undefined, outcome: (each: In) => Out) => {
    if (scorer.failure) throw scorer.failure;
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    if (scorer.gate) await Promise.race([scorer.gate, aborted]);
    return work.map(outcome);
  };
  const scorer: FakeScorer = {
    isReady: true,
    calls: [],
    gate: undefined,
    failure: undefined,
    ready: () => scorer.isReady,
    info: async () => served,
    score(pairs, signal) {
      scorer.calls.push(pairs);
      return answer(pairs, signal, fakeOutcome);
    },
    describe: (tiles, signal) => answer(tiles, signal, describedTile),
  };
  return scorer;
}
