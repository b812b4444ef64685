/**
 * Test pairs of a matcher: the true pairs of a split, and for each optical patch SAR patches of other ground,
 * shuffled among the same split. A guard by place excludes patches that overlap or touch; generated patches are never
 * used.
 */

import { Rng } from '../base/random.ts';
import type { PairRecord } from '../dataset/dataset.ts';
import type { PairReference } from '../dataset/patch_pair.ts';
import type { PlaceGuard } from '../dataset/place_guard.ts';
import { SplitError } from '../errors.ts';

export interface TestPairs {
  /**
   * Positives first, then the negatives of the data set, then the shuffled ones; each by index of its optical patch.
   */
  pairs: PairReference[];
  /** Number of requested shuffled negatives that the guard made impossible. */
  shortage: number;
}

/**
 * The pairs of a split, the same for the same seed.
 *
 * Each round deals every SAR patch of the split out once, so that positives and negatives hold the same patches and
 * a matcher gains nothing by looking at one of the two. Where the guard forbids a pair, two anchors swap.
 *
 * @param indices of the split's records. @param negativesPerPositive shuffled negatives for each positive.
 * @throws SplitError where the split has no positive pair or holds a generated one.
 */
export function drawTestPairs(
  records: readonly PairRecord[],
  indices: readonly number[],
  guard: PlaceGuard,
  { seed, negativesPerPositive }: { seed: number; negativesPerPositive: number },
): TestPairs {
  refuseGenerated(records, indices);
  const own = (label: 0 | 1) => indices.filter((index) => records[index]!.label === label);
  const positives = own(1);
  if (positives.length === 0) {
    throw new SplitError({
      action: 'draw pairs from a split',
      expected: 'at least one positive pair',
      found: `${indices.length} pairs, none of them positive`,
      remedy: 'Choose another split, or split the data set again by `doppel data split`.',
    });
  }
  const asTheyAre = [...positives, ...own(0)].map((index): PairReference => {
    const { label, provenance } = records[index]!;
    return { sar: index, optical: index, label, provenance };
  });
  const { dealt, shortage } = deal(positives, guard, negativesPerPositive, Rng.derive(seed, 'test negatives'));
  const shuffled = dealt.map(([optical, sar]): PairReference => ({ sar, optical, label: 0, provenance: 'shuffled' }));
  return { pairs: [...asTheyAre, ...shuffled], shortage };
}

function refuseGenerated(records: readonly PairRecord[], indices: readonly number[]): void {
  const generated = indices.find((index) => records[index]!.provenance === 'generated');
  if (generated === undefined) return;
  throw new SplitError({
    action: 'evaluate a split',
    expected: 'real patches only',
    found: `the generated pair ${records[generated]!.id}`,
    remedy: 'Generated pairs belong in training only: move them there.',
  });
}

/** `rounds` different SAR patches for each anchor, as [anchor, SAR patch]. */
function deal(anchors: readonly number[], guard: PlaceGuard, rounds: number, rng: Rng) {
  const taken = new Map<number, Set<number>>(anchors.map((anchor) => [anchor, new Set<number>()]));
  const isAllowed = (anchor: number, sar: number) =>
    anchor !== sar && !taken.get(anchor)!.has(sar) && !guard.conflict(anchor, sar);
  const dealt: [number, number][] = [];
  for (let round = 0; round < rounds; round++) {
    const hand = settle(anchors, rng.shuffle([...anchors]), isAllowed, rng);
    anchors.forEach((anchor, i) => {
      const sar = hand[i];
      if (sar === undefined) return;
      dealt.push([anchor, sar]);
      taken.get(anchor)!.add(sar);
    });
  }
  dealt.sort(([a], [b]) => a - b);
  return { dealt, shortage: anchors.length * rounds - dealt.length };
}

type IsAllowed = (anchor: number, sar: number) => boolean;

/** Swaps forbidden pairs away; a pair that no swap settles takes any allowed patch, or stays undefined. */
function settle(anchors: readonly number[], hand: number[], isAllowed: IsAllowed, rng: Rng): (number | undefined)[] {
  const isSettled = (i: number) => isAllowed(anchors[i]!, hand[i]!);
  anchors.forEach((anchor, i) => {
    if (isSettled(i)) return;
    const start = rng.int(anchors.length);
    for (let step = 0; step < anchors.length; step++) {
      const j = (start + step) % anchors.length;
      if (!isAllowed(anchor, hand[j]!) || !isAllowed(anchors[j]!, hand[i]!)) continue;
      [hand[i], hand[j]] = [hand[j]!, hand[i]!];
      return;
    }
  });
  return anchors.map((anchor, i) => {
    if (isSettled(i)) return hand[i];
    const start = rng.int(anchors.length);
    const any = anchors.findIndex((_, step) => isAllowed(anchor, anchors[(start + step) % anchors.length]!));
    return any < 0 ? undefined : anchors[(start + any) % anchors.length];
  });
}
