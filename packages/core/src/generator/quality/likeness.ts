/**
 * Likeness of made patches to their sources and to real patches, on places that the generator never saw: what of a source
 * is kept, how fine the texture is, and how well a linear probe on the matcher's features and a small network tell made
 * from real. Judges learn on training places and are asked on held-out ones; beside each figure stands that of real
 * patches against real ones.
 */
import type { PairRecord } from '../../dataset/dataset.ts';
import { type ProbeSample, probeBetween } from '../../evaluation/linear_probe.ts';
import { blockMeans } from '../block_means.ts';
import { type PatchStack, patchAt, stackOf } from '../patch_stack.ts';
import { judge } from './cnn_judge.ts';
import { type Content, contentByChance, contentKept } from './content.ts';
import type { FeatureRows } from './kernel_distance.ts';
import { type LooksSummary, looksOf, summariseLooks } from './looks.ts';
import type { SarScale } from './sar_scale.ts';
import { type Texture, textureOf } from './texture.ts';

/** Figure of made patches, beside that of real ones. */
export interface MadeAndReal<T> {
  made: T;
  real: T;
}

export interface Likeness {
  /** Held-out sources, each with its made patch: codes as they are, new speckle where it is drawn. */
  patches: number;
  content: { kept: Content; chance: Content };
  texture: MadeAndReal<Texture>;
  /** Null if the unit is no radar unit. */
  looks: MadeAndReal<LooksSummary> | null;
  /** ROC-AUC of made (or real) patches against real ones; null if they are trained for no steps. */
  judges: {
    steps: number;
    /** Linear, on the matcher's features; null without a matcher that has a SAR stream. */
    features: MadeAndReal<number> | null;
    /** Small network on pixels, and on means of 4 × 4 pixels. */
    pixels: MadeAndReal<number>;
    means: MadeAndReal<number>;
  } | null;
  /** Calls of the matcher; null without one. */
  matches: {
    /** True pairs that it calls a match. */
    called: number;
    /** Share of these that it calls none with the made patch. */
    lost: number | null;
  } | null;
}

/** Sources of training places and held-out ones, and what was made of them; real ones that were no source beside. */
export interface LikenessSets {
  training: { made: PatchStack; real: PatchStack; others: PatchStack };
  /** Sources, their made patches, and other real patches of the same places. */
  heldOut: { sources: PatchStack; made: PatchStack; real: PatchStack };
}

export interface LikenessTask {
  sets: LikenessSets;
  scale: SarScale;
  steps: number;
  seed: number;
  /** Features of a set by the matcher. */
  features?: ((stack: PatchStack) => Promise<FeatureRows>) | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export async function measureLikeness(task: LikenessTask): Promise<Omit<Likeness, 'matches'>> {
  const { sets, scale, signal } = task;
  const { sources, made, real } = sets.heldOut;
  const looks = [await looksOf(made, scale, signal), await looksOf(real, scale, signal)] as const;
  return {
    patches: sources.count,
    content: { kept: contentKept(sources, made), chance: contentByChance(sources, made) },
    texture: { made: textureOf(made), real: textureOf(sources) },
    looks: looks[0] && looks[1] ? { made: summariseLooks(looks[0]), real: summariseLooks(looks[1]) } : null,
    judges: task.steps > 0 ? await judges(task) : null,
  };
}

async function judges({ sets, steps, seed, features, signal, onProgress }: LikenessTask) {
  const { training, heldOut } = sets;
  const kinds = {
    made: { taught: { made: training.made, real: training.others }, asked: { made: heldOut.made, real: heldOut.real } },
    real: {
      taught: { made: training.real, real: training.others },
      asked: { made: heldOut.sources, real: heldOut.real },
    },
  };
  const figures = { pixels: { made: 0, real: 0 }, means: { made: 0, real: 0 } };
  const probes = { made: 0, real: 0 };
  let done = 0;
  for (const kind of ['made', 'real'] as const) {
    const { taught, asked } = kinds[kind];
    figures.pixels[kind] = await judge(taught, asked, { steps, seed, signal });
    onProgress?.(++done, 4);
    figures.means[kind] = await judge(coarse(taught), coarse(asked), { steps, seed, signal });
    onProgress?.(++done, 4);
    if (!features) continue;
    const samples = async ({ made, real }: { made: PatchStack; real: PatchStack }) => [
      ...samplesOf(await features(made), 1),
      ...samplesOf(await features(real), 0),
    ];
    probes[kind] = probeBetween(await samples(taught), await samples(asked));
  }
  return { steps, features: features ? probes : null, ...figures } satisfies Likeness['judges'];
}

const MEANS = 4;

function coarse<T extends Record<string, PatchStack>>(sets: T): T {
  return Object.fromEntries(
    Object.entries(sets).map(([name, { side, count, ...stack }]) => {
      const patches = Array.from({ length: count }, (_, row) =>
        blockMeans(patchAt({ side, count, ...stack }, row), side, MEANS),
      );
      return [name, stackOf(patches, Math.floor(side / MEANS))];
    }),
  ) as T;
}

function samplesOf({ data, count, width }: FeatureRows, label: 0 | 1): ProbeSample[] {
  return Array.from({ length: count }, (_, i) => ({
    features: data.subarray(i * width, (i + 1) * width),
    ...{ label, group: String(i) },
  }));
}

/** Rows of sources, and as many others of the same places: every second patch of a place. */
export function halvesWithinPlaces(
  rows: readonly number[],
  records: readonly Pick<PairRecord, 'group'>[],
): { sources: number[]; others: number[] } {
  const seen = new Map<string, number>();
  const halves = { sources: [] as number[], others: [] as number[] };
  for (const row of rows) {
    const { group } = records[row]!;
    const before = seen.get(group) ?? 0;
    seen.set(group, before + 1);
    (before % 2 === 0 ? halves.sources : halves.others).push(row);
  }
  const count = Math.min(halves.sources.length, halves.others.length);
  return { sources: halves.sources.slice(0, count), others: halves.others.slice(0, count) };
}
