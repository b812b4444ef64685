/**
 * `adaptive`: of several made and real candidates for each anchor, the hardest that is still safely a negative.
 *
 * No single strength suits an anchor for long: a hard negative becomes easy once the matcher has learned, and one near
 * enough to be hard may equal the true patch. So several kinds of candidates compete: generated ones of several
 * strengths, the real patches that the matcher scores highest, and those that look most similar. The matcher ranks
 * them. Dropped, and counted by reason, are those that are
 *
 * - `tooEasy`: the matcher's probability is below `minScore`
 * - beyond the `margin`: above positive − relativeMargin·positive, where the true pair itself hardly scores higher
 * - `tooNear`: made patches whose distance from the true patch is below `minDistance`
 * - excluded by place (`guard`), or the negative of `maxUses` anchors (`maxUses`): real ones
 * - `repeated`: found twice, as the hardest and as the most alike
 */
import { QuantileSketch, type Quantiles } from '../../base/quantiles.ts';
import { Rng } from '../../base/random.ts';
import { SplitError } from '../../errors.ts';
import { checkGenerator, decodeFor, type Encoded, forEachEncoded, type Maker } from '../../generator/make_patches.ts';
import { type AdaptiveSettings, adaptiveSettings } from '../adaptive_settings.ts';
import { CodeMover, generatorOf, MadeList, type MadePatch, makePatches, makerOf } from '../made.ts';
import type { MinedNegative } from '../negatives.ts';
import { truePairs } from '../pair_scores.ts';
import { anchorsOf, trainingOn } from '../plan.ts';
import { findRanked, type Ranking } from '../ranked.ts';
import type { Bench, MiningReport, Negatives, Strategy, Watch } from '../strategy.ts';

const DROPS = ['tooEasy', 'margin', 'tooNear', 'guard', 'maxUses', 'repeated'] as const;
/** Reason why a candidate was dropped. */
type Drop = (typeof DROPS)[number];

export interface AdaptiveReport extends MiningReport {
  /** Candidates that were scored, by kind; the search for real ones considers many more. */
  candidates: { made: number; real: number };
  chosen: { made: number; real: number };
  /** Chosen made ones by their strength. */
  byStrength: Record<string, number>;
  dropped: Record<Drop, number>;
  /** Candidates that passed and were not needed. */
  surplus: number;
  /** Number of anchors that got fewer than k. */
  shortages: number;
  reconstructions: number;
  quantiles: {
    /** Probabilities of the true pairs and of the chosen negatives. */
    positives?: Quantiles | undefined;
    negatives?: Quantiles | undefined;
    /** Distances of chosen made ones from the true patch. */
    distances?: Quantiles | undefined;
  };
  seconds: number;
  warnings: string[];
}

export const adaptive = {
  name: 'adaptive',
  description: 'The hardest of made and real SAR patches that is still safely a negative',
  settings: adaptiveSettings,
  trainingOnly: true,
  unit: 'anchors',
  needsStreams: ({ nearest }) => nearest > 0,
  needsGenerator: ({ strengths }) => strengths.length > 0,
  find,
} satisfies Strategy<AdaptiveSettings>;

/** Anchors whose true pairs are scored together if no patch is made. */
const BATCH = 64;

async function find(
  bench: Bench,
  settings: AdaptiveSettings,
  watch: Watch,
): Promise<Negatives & { report: AdaptiveReport }> {
  const start = performance.now();
  const anchors = drawAnchors(bench, settings.anchors);
  const tally = new AdaptiveTally(anchors.length);
  const real = await realCandidates(anchors, bench, settings, watch, tally);
  const choice = new Choosing(settings, tally);
  const realOf = (anchor: number, positive: number) => passing(real.get(anchor) ?? [], positive, settings, tally);
  let warnings: string[] = [];
  if (bench.generator || settings.strengths.length > 0) {
    const generator = generatorOf(bench, 'adaptive');
    warnings = checkGenerator(generator, bench.model.normalisation, bench.dataset);
    const maker = makerOf(generator, settings, bench, watch);
    const mover = new CodeMover(settings.rule, maker, bench);
    await forEachEncoded(maker, anchors, async (latents, batch, first, encoded) => {
      const positives = await truePairs(batch, bench, watch);
      const making = { maker, mover, bench, settings, watch, tally };
      const made = await madeCandidates(encoded, batch, positives, making);
      // A draw of its own, or it would share the speckle of a candidate.
      const draw = settings.strengths.length;
      const plain = settings.reconstructions ? await decodeFor(maker, latents.mu, batch, encoded, draw) : [];
      for (const [i, anchor] of batch.entries()) {
        const positive = positives[i]!;
        choice.choose(anchor, [...made[i]!, ...realOf(anchor, positive)], positive, plain[i]);
      }
      watch.onProgress?.(first + batch.length, anchors.length);
    });
  } else {
    for (let first = 0; first < anchors.length; first += BATCH) {
      const batch = anchors.slice(first, first + BATCH);
      const positives = await truePairs(batch, bench, watch);
      for (const [i, anchor] of batch.entries()) {
        choice.choose(anchor, realOf(anchor, positives[i]!), positives[i]!, undefined);
      }
      watch.onProgress?.(first + batch.length, anchors.length);
    }
  }
  const { reconstructions: _, anchors: __, edit, ...written } = settings;
  return {
    header: choice.list.header('adaptive', bench, { ...written, ...(edit !== 'whole' && { edit }) }),
    negatives: choice.list.negatives,
    patches: choice.list.stack(bench.model.info.side),
    report: tally.report((performance.now() - start) / 1000, warnings),
  };
}

/** All anchors of the split, or `count` of them. */
function drawAnchors({ dataset, split, seed }: Bench, count: number | undefined): number[] {
  const all = anchorsOf(dataset, split);
  if (count === undefined || count >= all.length) return all;
  return Rng.derive(seed, 'adaptive anchors')
    .shuffle([...all])
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** Candidate that passed, before it is known whether it is needed. */
type Candidate = { probability: number; reason: string } & (
  | { kind: 'made'; made: MadePatch; strength: number }
  | (RealKind & { real: MinedNegative })
);
/** Real by the matcher's score, or by likeness to the anchor's SAR patch. */
type RealKind = { kind: 'real' | 'nearest' };
type RealCandidate = Extract<Candidate, RealKind>;

const RANKINGS: Record<RealKind['kind'], Ranking> = {
  real: { strategy: 'loss', scale: 'probability', kind: 'match', order: 'score' },
  nearest: { strategy: 'nearest', scale: 'cosine', kind: 'likeness', order: 'score' },
};

/** Real candidates by anchor, not yet compared with its positive. */
async function realCandidates(
  anchors: readonly number[],
  bench: Bench,
  settings: AdaptiveSettings,
  watch: Watch,
  tally: AdaptiveTally,
): Promise<Map<number, RealCandidate[]>> {
  const byAnchor = new Map<number, RealCandidate[]>();
  for (const kind of ['real', 'nearest'] as const) {
    for (const candidate of await realOfKind(kind, anchors, bench, settings, watch, tally)) {
      const { optical } = candidate.real;
      byAnchor.set(optical, [...(byAnchor.get(optical) ?? []), candidate]);
    }
  }
  return byAnchor;
}

/** The first real patches of each anchor in the order of one kind. */
async function realOfKind(
  kind: RealKind['kind'],
  anchors: readonly number[],
  bench: Bench,
  { [kind]: k, relativeMargin, maxCandidates, maxUses }: AdaptiveSettings,
  { signal }: Watch,
  tally: AdaptiveTally,
): Promise<RealCandidate[]> {
  if (k === 0 || anchors.length < 2) return [];
  // No cache: in training the matcher changes each time.
  const own = { ...bench, dataset: trainingOn(bench.dataset, anchors), scores: undefined };
  // Patches beyond the margin make room for the next; cosines have no margin.
  const margin = kind === 'real' ? { relativeMargin } : {};
  try {
    const rules = { k, maxCandidates, maxUses, sampling: 'top', ...margin } as const;
    const { negatives, report } = await findRanked(RANKINGS[kind], own, rules, { signal });
    tally.addRealSkips(report.skipped);
    tally.candidates.real += negatives.length;
    return negatives.map((real) => ({
      ...{ kind, real, probability: real.probability },
      reason: `adaptive: ${kind}, ${real.reason}`,
    }));
  } catch (error) {
    // No real patch within the rules: made ones compete alone.
    if (!(error instanceof SplitError)) throw error;
    return [];
  }
}

/** Real candidates of an anchor that pass. One that is both hardest and most alike is kept as the former. */
function passing(
  candidates: readonly RealCandidate[],
  positive: number,
  settings: AdaptiveSettings,
  tally: AdaptiveTally,
): RealCandidate[] {
  const seen = new Set<number>();
  return candidates.filter(({ real, probability }) => {
    const drop = seen.has(real.sar) ? 'repeated' : dropOf(probability, Number.POSITIVE_INFINITY, positive, settings);
    seen.add(real.sar);
    if (drop) tally.dropped[drop]++;
    return !drop;
  });
}

interface Making {
  maker: Maker;
  mover: CodeMover;
  bench: Bench;
  settings: AdaptiveSettings;
  watch: Watch;
  tally: AdaptiveTally;
}

/** One candidate for each anchor and strength; those that pass, by anchor. */
async function madeCandidates(
  encoded: Encoded,
  batch: readonly number[],
  positives: readonly number[],
  { maker, mover, bench, settings, watch, tally }: Making,
): Promise<Candidate[][]> {
  const found: Candidate[][] = batch.map(() => []);
  for (const [draw, strength] of settings.strengths.entries()) {
    const z = await mover.move(encoded.latents, batch, strength, draw);
    const patches = await makePatches(maker, z, batch, bench, watch, { encoded, draw });
    z.dispose();
    tally.candidates.made += patches.length;
    for (const [i, made] of patches.entries()) {
      const { probability, distance } = made;
      const drop = dropOf(probability, distance, positives[i]!, settings);
      const reason = `adaptive: made, ${settings.rule}, strength ${strength}`;
      if (drop) tally.dropped[drop]++;
      else found[i]!.push({ kind: 'made', probability, reason, made, strength });
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

/** Chooses anchor by anchor, and lists what was chosen. */
class Choosing {
  readonly list = new MadeList();
  private readonly settings: AdaptiveSettings;
  private readonly tally: AdaptiveTally;

  constructor(settings: AdaptiveSettings, tally: AdaptiveTally) {
    this.settings = settings;
    this.tally = tally;
  }

  /** @param plain reconstruction of the anchor, which is listed if a made negative is chosen. */
  choose(anchor: number, candidates: readonly Candidate[], positive: number, plain: Float32Array | undefined): void {
    const chosen = chosenOf(
      candidates.toSorted((a, b) => b.probability - a.probability),
      this.settings,
    );
    chosen.forEach((candidate, rank) => {
      this.add(anchor, candidate, rank, positive);
    });
    this.tally.addAnchor(positive, chosen.length < wantedOf(this.settings), candidates.length - chosen.length);
    if (!plain || !chosen.some(({ kind }) => kind === 'made')) return;
    this.tally.reconstructions++;
    this.list.addMade(plain, {
      ...{ optical: anchor, label: 1, positiveScore: positive, probability: positive, rank: 0 },
      ...{ distance: 0, changed: 0 },
      reason: 'reconstruction',
    });
  }

  private add(anchor: number, candidate: Candidate, rank: number, positiveScore: number): void {
    const { probability, reason } = candidate;
    if (candidate.kind !== 'made') {
      this.tally.addReal(probability);
      this.list.addReal({ ...candidate.real, rank, reason });
      return;
    }
    const { made, strength } = candidate;
    this.tally.addMade(made, strength);
    this.list.addMade(made.patch, {
      ...{ optical: anchor, label: 0, positiveScore, probability, rank, reason },
      ...{ distance: made.distance, changed: made.changed },
    });
  }
}

/** First k candidates, or the first k of each kind, in their order. */
function chosenOf(candidates: readonly Candidate[], { k, perKind }: AdaptiveSettings): readonly Candidate[] {
  if (!perKind) return candidates.slice(0, k);
  const left = { made: k, real: k, nearest: k };
  return candidates.filter(({ kind }) => left[kind]-- > 0);
}

function wantedOf({ k, perKind, real, nearest, strengths }: AdaptiveSettings): number {
  const kinds = [strengths.length > 0, real > 0, nearest > 0].filter((isAsked) => isAsked).length;
  return perKind ? kinds * k : k;
}

class AdaptiveTally {
  readonly candidates = { made: 0, real: 0 };
  readonly dropped = Object.fromEntries(DROPS.map((drop) => [drop, 0])) as Record<Drop, number>;
  reconstructions = 0;
  private readonly chosen = { made: 0, real: 0 };
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

  addReal(probability: number): void {
    this.chosen.real++;
    this.sketches.negatives.add(probability);
  }

  addMade({ probability, distance }: MadePatch, strength: number): void {
    this.chosen.made++;
    this.sketches.negatives.add(probability);
    this.sketches.distances.add(distance);
    this.byStrength[strength] = (this.byStrength[strength] ?? 0) + 1;
  }

  addAnchor(positive: number, isShort: boolean, surplus: number): void {
    this.sketches.positives.add(positive);
    this.shortages += isShort ? 1 : 0;
    this.surplus += surplus;
  }

  report(seconds: number, warnings: string[]): AdaptiveReport {
    const { anchors, candidates, chosen, byStrength, dropped, surplus, shortages, reconstructions, sketches } = this;
    return {
      ...{ anchors, candidates, chosen, byStrength, dropped, surplus, shortages, reconstructions },
      quantiles: {
        positives: sketches.positives.summary(),
        negatives: sketches.negatives.summary(),
        distances: sketches.distances.summary(),
      },
      ...{ seconds, warnings },
    };
  }
}
