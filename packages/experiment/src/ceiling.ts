/**
 * The strategy `ceiling`, of experiments alone: real look-alikes from all training places, whether labelled or not, found as
 * the test set of look-alikes is found. It is the most that negatives can give, not a method: it knows the test's rule.
 */
import { Rng } from '@doppel/core/base';
import type { Bench, Negatives, Strategy, Watch } from '@doppel/core/mining';
import { STRATEGIES } from '@doppel/core/mining';
import { z } from 'zod';
import { findLookAlikes } from './look_alikes.ts';

const settings = z.strictObject({
  maxCandidates: z.int().min(2).default(5000),
  maxUses: z.int().positive().default(5),
});

export const ceiling = {
  name: 'ceiling',
  description: 'The SAR patches of all training places that look most alike, labelled or not',
  settings,
  trainingOnly: false,
  unit: 'anchors',
  find,
} satisfies Strategy<z.infer<typeof settings>>;

/** Strategy of an arm; undefined where there is none of the name. */
export function strategyNamed(name: string): Strategy | undefined {
  if (name === ceiling.name) return ceiling;
  return STRATEGIES.has(name) ? STRATEGIES.get(name) : undefined;
}

export const strategyNames = (): string[] => [...STRATEGIES.names(), ceiling.name];

async function find(
  { dataset, split, patches, guard, model, seed, unlabelled }: Bench,
  { maxCandidates, maxUses }: z.infer<typeof settings>,
  { signal }: Watch,
): Promise<Negatives> {
  const anchors = dataset.indicesOf(split).filter((index) => dataset.records[index]!.label === 1);
  const candidates = Rng.derive(seed, 'ceiling')
    .shuffle([...(unlabelled ?? anchors)])
    .slice(0, maxCandidates);
  const { side } = model.normalisation;
  const found = await findLookAlikes({ anchors, candidates, patches, side, guard, maxUses, signal });
  const unscored = { label: 0, provenance: 'mined', score: 0, positiveScore: 0, probability: 0, rank: 0 } as const;
  return {
    header: {
      ...{
        doppel: 'negatives',
        version: 1,
        strategy: ceiling.name,
        split,
        scale: 'cosine',
        sampling: 'top',
        seed,
        k: 1,
      },
      ...{ dataFingerprint: dataset.fingerprint, modelFingerprint: model.info.fingerprint, rules: {} },
      ...{ maxCandidates, maxUses, guardMargin: guard.margin },
    },
    negatives: found.map(([optical, sar]) => ({ optical, sar, ...unscored, reason: ceiling.name })),
    report: { anchors: anchors.length, negatives: found.length, candidates: candidates.length, quantiles: {} },
  };
}
