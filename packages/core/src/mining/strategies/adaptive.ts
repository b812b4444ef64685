/**
 * `--strategy adaptive`: of several made and real candidates for each anchor, the hardest that is still safely a negative.
 *
 * A single strength suits no anchor for long: what is hard at first is easy once the matcher has learned, and what is near
 * enough to be hard may be the true patch in all but name. So candidates of several strengths, the real patches that the
 * matcher scores highest, and those that look most alike to it, compete. The present matcher ranks them; dropped, with the
 * reason counted, are those that
 *
 * - are `tooEasy`: the matcher gives them a probability below `minScore`
 * - are beyond the `margin`: above positive − relativeMargin·positive, where the true pair itself hardly scores higher
 * - are `tooNear`: made patches whose distance to the true patch is below `minDistance`
 * - are guarded by place (real ones), or were the negative of `maxUses` anchors: `guard`, `maxUses`
 * - were found twice, as the hardest and as the most alike: `repeated`
 */
import * as tf from '@tensorflow/tfjs-core';
import { QuantileSketch, type Quantiles } from '../../base/quantiles.ts';
import { Rng } from '../../base/random.ts';
import type { PlaceGuard } from '../../dataset/place_guard.ts';
import { SplitError } from '../../errors.ts';
import { type LatentGenerator, type Latents, latentNoise, moveLatents } from '../../generator/latent.ts';
import type { PatchStack } from '../../generator/made_patches.ts';
import {
  checkGenerator,
  decodeFor,
  forEachEncoded,
  type MadeFrom,
  type MakerTask,
} from '../../generator/make_patches.ts';
import { patchDistance } from '../../generator/patch_distance.ts';
import { probabilityOf } from '../../matcher/calibration.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import type { PatchSource } from '../../prepare/patch_source.ts';
import { MemoryStore } from '../../store.ts';
import type { AdaptiveSettings } from '../adaptive_settings.ts';
import { ascend } from '../ascent.ts';
import { scoreReferences } from '../blocks/block_scores.ts';
import { refuseNonFinite } from '../blocks/scored_blocks.ts';
import { anchorsOf } from '../made_anchors.ts';
import type { MadeHeader, MadeNegative } from '../made_file.ts';
import { scoreMade } from '../made_scores.ts';
import type { MinedNegative } from '../negatives_file.ts';
import type { MinableRecord } from '../plan.ts';
import { type MiningModel, mine } from '../ranked.ts';

export interface AdaptiveTask {
  dataset: MadeFrom & { records: readonly (MinableRecord & { group: string })[] };
  model: Omit<MiningModel, 'normalisation'> & { normalisation: Normalisation };
  /** Prepared patches of the data set, by record. */
  patches: PatchSource;
  /** Undefined: real candidates only. */
  generator?: LatentGenerator | undefined;
  guard: PlaceGuard;
  settings: AdaptiveSettings;
  /** Records, or how many are drawn from the split; default: all. */
  anchors?: number | readonly number[] | undefined;
  /** Also make G(E(x)) for the anchors that get a made negative. */
  reconstructions: boolean;
  seed: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((anchors: number, total: number) => void) | undefined;
}

export const DROPS = ['tooEasy', 'margin', 'tooNear', 'guard', 'maxUses', 'repeated'] as const;
/** Why a candidate was dropped. */
export type Drop = (typeof DROPS)[number];

export interface AdaptiveReport {
  anchors: number;
  /** Candidates that were scored, by kind; `mine` looks at many more real ones than it hands over. */
  candidates: { made: number; real: number };
  chosen: { made: number; real: number };
  /** Chosen ones by the strength that made them. */
  byStrength: Record<string, number>;
  dropped: Record<Drop, number>;
  /** Candidates that passed and were not needed. */
  surplus: number;
  /** Anchors that got fewer than k. */
  shortages: number;
  reconstructions: number;
  quantiles: {
    positives?: Quantiles | undefined;
    /** Probabilities and distances of the chosen ones. */
    negatives?: Quantiles | undefined;
    distances?: Quantiles | undefined;
  };
  seconds: number;
  warnings: string[];
}

export interface AdaptiveResult {
  header: MadeHeader;
  negatives: (MadeNegative | MinedNegative)[];
  patches: PatchStack;
  report: AdaptiveReport;
}

/** Made, real by the matcher's score, real by likeness to the anchor's SAR patch. */
type Kind = 'made' | 'real' | 'nearest';

/** A candidate that passed, before it is known whether it is needed. */
interface Candidate {
  kind: Kind;
  probability: number;
  reason: string;
  made?: { patch: Float32Array; distance: number; strength: number };
  real?: MinedNegative;
}

/**
 * @throws UsageError where the generator does not fit the matcher. @throws SplitError where the train split has fewer than
 * two real pairs, or the generator saw what is tested on. @throws NonFiniteError where patches or scores are not finite.
 * @throws the signal's reason when it is aborted.
 */
export async function mineAdaptive(task: AdaptiveTask): Promise<AdaptiveResult> {
  const start = performance.now();
  const { dataset, model, generator, patches, settings, signal } = task;
  const anchors = drawAnchors(task);
  const tally = new AdaptiveTally(anchors.length);
  const real = await realCandidates(task, anchors, tally);
  const gathered = new Gathered(model.shape.side);
  const scoring = { scorer: model.scorer, shape: model.shape, patches, signal };
  const visit = async (batch: readonly number[], first: number, latents?: Latents) => {
    const scores = await scoreReferences(
      batch.map((anchor) => ({ sar: anchor, optical: anchor })),
      scoring,
    );
    refuseNonFinite(scores);
    const positives = Array.from(scores, (score) => probabilityOf(score, model));
    const made = latents ? await madeCandidates(task, latents, batch, positives, tally) : batch.map(() => []);
    const plain =
      latents && task.reconstructions ? await decodeFor(makerOf(task, generator!), latents.mu, batch) : undefined;
    for (const [i, anchor] of batch.entries()) {
      const candidates: Candidate[] = [...made[i]!, ...passing(real.get(anchor) ?? [], positives[i]!, settings, tally)];
      candidates.sort((a, b) => b.probability - a.probability);
      gathered.choose(anchor, candidates, settings, positives[i]!, tally);
      if (plain && gathered.hasMade(anchor)) gathered.addReconstruction(anchor, plain[i]!, positives[i]!);
    }
    task.onProgress?.(first + batch.length, anchors.length);
  };
  let warnings: string[] = [];
  if (generator) {
    warnings = checkGenerator(generator, model.normalisation, dataset);
    await forEachEncoded(makerOf(task, generator), anchors, (latents, batch, first) => visit(batch, first, latents));
  } else {
    for (let first = 0; first < anchors.length; first += 64) await visit(anchors.slice(first, first + 64), first);
  }
  return {
    header: headerOf(task, gathered.count),
    negatives: gathered.negatives,
    patches: gathered.stack(),
    report: { ...tally.report(gathered), seconds: (performance.now() - start) / 1000, warnings },
  };
}

function drawAnchors({ dataset, anchors: wanted, seed }: AdaptiveTask): number[] {
  const all = anchorsOf(dataset);
  if (typeof wanted === 'object') {
    const asked = new Set(wanted);
    return all.filter((anchor) => asked.has(anchor));
  }
  if (wanted === undefined || wanted >= all.length) return all;
  return Rng.derive(seed, 'adaptive anchors')
    .shuffle([...all])
    .slice(0, wanted)
    .sort((a, b) => a - b);
}

const makerOf = ({ model, patches, settings, signal }: AdaptiveTask, generator: LatentGenerator): MakerTask => ({
  ...{ generator, patches, signal },
  normalisation: model.normalisation,
  match: settings.match,
});

/** Real candidates by anchor, not yet compared with its positive. */
async function realCandidates(task: AdaptiveTask, anchors: readonly number[], tally: AdaptiveTally) {
  const { real, nearest } = task.settings;
  const found = [
    ...(await realOfKind('real', real, task, anchors, tally)),
    ...(await realOfKind('nearest', nearest, task, anchors, tally)),
  ];
  const byAnchor = new Map<number, Candidate[]>();
  for (const candidate of found) {
    const anchor = candidate.real!.optical;
    byAnchor.set(anchor, [...(byAnchor.get(anchor) ?? []), candidate]);
  }
  return byAnchor;
}

const STRATEGY_OF = { real: 'loss', nearest: 'nearest' } as const;

/** The k real patches of each anchor that its strategy puts first. */
async function realOfKind(
  kind: keyof typeof STRATEGY_OF,
  k: number,
  task: AdaptiveTask,
  anchors: readonly number[],
  tally: AdaptiveTally,
): Promise<Candidate[]> {
  const { dataset, model, patches, guard, settings, seed, signal } = task;
  const { relativeMargin, maxCandidates, maxUses } = settings;
  if (k === 0 || anchors.length < 2) return [];
  try {
    const { negatives, report } = await mine({
      store: new MemoryStore(), // no cache: the matcher is another one each time
      dataset: { ...dataset, indicesOf: () => [...anchors] },
      ...{ split: 'train', strategy: STRATEGY_OF[kind], model, patches, guard, guardMargin: 1, seed, signal },
      // Patches beyond the margin make room for the next; of likeness, a cosine, there is no margin.
      rules: { k, rankMin: 0, rankMax: Infinity, sampling: 'top', ...(kind === 'real' && { relativeMargin }) },
      ...{ maxCandidates, maxUses },
    });
    tally.addRealSkips(report.skipped);
    tally.candidates.real += negatives.length;
    return negatives.map((real) => ({
      ...{ kind, real, probability: real.probability },
      reason: `adaptive: ${kind}, ${real.reason}`,
    }));
  } catch (error) {
    // No real patch within the rules: the made ones have it to themselves.
    if (!(error instanceof SplitError)) throw error;
    return [];
  }
}

/** The real candidates of an anchor that pass. One that is both hardest and most alike is kept as the former. */
function passing(
  candidates: readonly Candidate[],
  positive: number,
  settings: AdaptiveSettings,
  tally: AdaptiveTally,
): Candidate[] {
  const seen = new Set<number>();
  return candidates.filter(({ real, probability }) => {
    const drop = seen.has(real!.sar) ? 'repeated' : dropOf(probability, Number.POSITIVE_INFINITY, positive, settings);
    seen.add(real!.sar);
    if (drop) tally.dropped[drop]++;
    return !drop;
  });
}

/** One candidate for each anchor and strength; by anchor those that pass. */
async function madeCandidates(
  task: AdaptiveTask,
  latents: Latents,
  batch: readonly number[],
  positives: readonly number[],
  tally: AdaptiveTally,
): Promise<Candidate[][]> {
  const { model, patches, settings, signal, seed } = task;
  const generator = task.generator!;
  const maker = makerOf(task, generator);
  const found: Candidate[][] = batch.map(() => []);
  for (const [draw, strength] of settings.strengths.entries()) {
    const { latent } = generator.info;
    const eps = tf.tensor2d(latentNoise(batch, draw, latent, seed), [batch.length, latent]);
    const start = moveLatents(latents, settings.rule, strength, eps);
    const z = await ascend(start, latents, batch, { ...maker, ...settings, scorer: model.scorer, shape: model.shape });
    const made = await decodeFor(maker, z, batch);
    tf.dispose([eps, start, z]);
    const scores = await scoreMade(
      batch.map((optical, i) => ({ optical, patch: made[i]! })),
      { scorer: model.scorer, shape: model.shape, patches, signal },
    );
    for (const [i, anchor] of batch.entries()) {
      const probability = probabilityOf(scores[i]!, model);
      const distance = patchDistance(made[i]!, await patches.sar(anchor), model.shape.side);
      tally.candidates.made++;
      const drop = dropOf(probability, distance, positives[i]!, settings);
      if (drop) tally.dropped[drop]++;
      else {
        const reason = `adaptive: made, ${settings.rule}, strength ${strength}`;
        found[i]!.push({ kind: 'made', probability, reason, made: { patch: made[i]!, distance, strength } });
      }
    }
  }
  return found;
}

function dropOf(
  probability: number,
  distance: number,
  positive: number,
  { minScore, relativeMargin, minDistance }: AdaptiveSettings,
): Drop | undefined {
  if (distance < minDistance) return 'tooNear';
  if (probability > positive * (1 - relativeMargin)) return 'margin';
  return probability < minScore ? 'tooEasy' : undefined;
}

type Choice = Pick<AdaptiveSettings, 'k' | 'perKind' | 'real' | 'nearest' | 'strengths'>;

/** The first k, or the first k of each kind, in their order. */
function chosenOf(candidates: readonly Candidate[], { k, perKind }: Choice): readonly Candidate[] {
  if (!perKind) return candidates.slice(0, k);
  const left = { made: k, real: k, nearest: k };
  return candidates.filter(({ kind }) => left[kind]-- > 0);
}

function wantedOf({ k, perKind, real, nearest, strengths }: Choice): number {
  const kinds = [strengths.length > 0, real > 0, nearest > 0].filter((isAsked) => isAsked).length;
  return perKind ? kinds * k : k;
}

/** What was chosen, in the form of the file. */
class Gathered {
  readonly negatives: (MadeNegative | MinedNegative)[] = [];
  private readonly made: Float32Array[] = [];
  private readonly anchorsWithMade = new Set<number>();
  private readonly side: number;

  constructor(side: number) {
    this.side = side;
  }

  get count(): number {
    return this.made.length;
  }

  hasMade(anchor: number): boolean {
    return this.anchorsWithMade.has(anchor);
  }

  /** @param candidates from the hardest to the easiest. */
  choose(
    anchor: number,
    candidates: readonly Candidate[],
    settings: Choice,
    positive: number,
    tally: AdaptiveTally,
  ): void {
    const chosen = chosenOf(candidates, settings);
    chosen.forEach(({ probability, reason, made, real }, rank) => {
      tally.addChosen(probability, made);
      if (real) {
        this.negatives.push({ ...real, rank, reason });
        return;
      }
      const { patch, distance } = made!;
      this.anchorsWithMade.add(anchor);
      this.push(anchor, patch, {
        label: 0,
        score: probability,
        positiveScore: positive,
        probability,
        rank,
        distance,
        reason,
      });
    });
    tally.addAnchor(positive, chosen.length < wantedOf(settings), candidates.length - chosen.length);
  }

  addReconstruction(anchor: number, patch: Float32Array, positive: number): void {
    const unscored = { score: positive, positiveScore: positive, probability: positive, rank: 0, distance: 0 };
    this.push(anchor, patch, { label: 1, ...unscored, reason: 'reconstruction' });
  }

  private push(
    optical: number,
    patch: Float32Array,
    rest: Omit<MadeNegative, 'optical' | 'patch' | 'provenance'>,
  ): void {
    this.negatives.push({ optical, patch: this.made.push(patch) - 1, provenance: 'generated', ...rest });
  }

  stack(): PatchStack {
    const { side } = this;
    const data = new Float32Array(this.made.length * side * side);
    this.made.forEach((patch, i) => {
      data.set(patch, i * side * side);
    });
    return { data, side, count: this.made.length };
  }
}

class AdaptiveTally {
  readonly candidates = { made: 0, real: 0 };
  readonly chosen = { made: 0, real: 0 };
  readonly dropped = Object.fromEntries(DROPS.map((drop) => [drop, 0])) as Record<Drop, number>;
  private readonly byStrength: Record<string, number> = {};
  private readonly sketches = {
    positives: new QuantileSketch(),
    negatives: new QuantileSketch(),
    distances: new QuantileSketch(),
  };
  private readonly anchors: number;
  private surplus = 0;
  private shortages = 0;

  constructor(anchors: number) {
    this.anchors = anchors;
  }

  addRealSkips(skipped: { guard: number; duplicate: number; relativeMargin: number; maxUses: number }): void {
    this.dropped.guard += skipped.guard + skipped.duplicate;
    this.dropped.margin += skipped.relativeMargin;
    this.dropped.maxUses += skipped.maxUses;
  }

  addChosen(probability: number, made: Candidate['made']): void {
    this.chosen[made ? 'made' : 'real']++;
    this.sketches.negatives.add(probability);
    if (!made) return;
    this.sketches.distances.add(made.distance);
    this.byStrength[made.strength] = (this.byStrength[made.strength] ?? 0) + 1;
  }

  addAnchor(positive: number, isShort: boolean, surplus: number): void {
    this.sketches.positives.add(positive);
    this.shortages += isShort ? 1 : 0;
    this.surplus += surplus;
  }

  report({ negatives }: Gathered): Omit<AdaptiveReport, 'seconds' | 'warnings'> {
    const { anchors, candidates, chosen, byStrength, dropped, surplus, shortages, sketches } = this;
    return {
      ...{ anchors, candidates, chosen, byStrength, dropped, surplus, shortages },
      reconstructions: negatives.length - chosen.made - chosen.real,
      quantiles: {
        positives: sketches.positives.summary(),
        negatives: sketches.negatives.summary(),
        distances: sketches.distances.summary(),
      },
    };
  }
}

function headerOf({ dataset, model, generator, settings, seed }: AdaptiveTask, count: number): MadeHeader {
  const { side, sar } = model.normalisation;
  const { k, match, ...rest } = settings;
  return {
    doppel: 'negatives',
    version: 1,
    strategy: 'adaptive',
    split: 'train',
    scale: 'probability',
    dataFingerprint: dataset.fingerprint,
    modelFingerprint: model.fingerprint,
    generatorFingerprint: generator?.info.fingerprint ?? null,
    patches: { count, fingerprint: '' },
    preparation: { side, sar },
    ...{ seed, k, match },
    settings: rest,
  };
}
