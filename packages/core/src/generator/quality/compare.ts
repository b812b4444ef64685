/**
 * Comparisons of sets of patches. A distance between generated and real patches says little alone; beside it stands the
 * same distance between equally many real and real patches, in two ways:
 *
 * - **held out**: against real patches of places that the generator never saw (the mean over their two halves), beside
 *   one half against the other. Real training patches in place of the made ones show what a perfect generator would
 *   get.
 * - **learned**: against training patches, beside other training patches at random. Nothing but chance parts those, so
 *   this is the stricter of the two; copies of training patches would pass it, which `Memorisation` looks for.
 *
 * The discrimination of a distance is shown by *scrambled* patches: training patches with their pixels shuffled. With
 * few held-out places, real patches may be so far from each other that even scrambled ones seem near.
 */

export const SET_NAMES = [
  'generated',
  'reconstructed',
  'training',
  'others',
  'heldOutA',
  'heldOutB',
  'scrambled',
] as const;
export type SetName = (typeof SET_NAMES)[number];

export type SetPair = readonly [SetName, SetName];

/** All distances that are taken. */
export const SET_PAIRS: readonly SetPair[] = [
  ['generated', 'heldOutA'],
  ['generated', 'heldOutB'],
  ['reconstructed', 'heldOutA'],
  ['reconstructed', 'heldOutB'],
  ['training', 'heldOutA'],
  ['training', 'heldOutB'],
  ['heldOutA', 'heldOutB'],
  ['generated', 'others'],
  ['reconstructed', 'others'],
  ['training', 'others'],
  ['scrambled', 'heldOutA'],
  ['scrambled', 'heldOutB'],
  ['scrambled', 'others'],
];

export interface AgainstHeldOut {
  /** Patches decoded from the prior. */
  generated: number;
  /** G(E(x)) of the training patches. */
  reconstructed: number;
  /** Real training patches instead. */
  training: number;
  /** Training patches with their pixels shuffled. */
  scrambled: number;
  /** One half of the held-out places against the other. */
  real: number;
  /** `generated` over `real`; null where `real` is 0 or lost in chance. */
  ratio: number | null;
}

export interface AgainstLearned {
  generated: number;
  reconstructed: number;
  scrambled: number;
  /** Training patches against other training patches. */
  real: number;
  ratio: number | null;
}

export interface Beside {
  heldOut: AgainstHeldOut;
  learned: AgainstLearned;
}

/**
 * @param distances in the order of `SET_PAIRS`. @param chance what real against real may be by chance alone: no ratio
 * is taken where it is not above that.
 */
export function beside(distances: readonly number[], chance = { heldOut: 0, learned: 0 }): Beside {
  const [ga, gb, ra, rb, ta, tb, ab, gt, rt, tt, sa, sb, st] = distances as [
    ...[number, number, number, number, number, number, number],
    ...[number, number, number, number, number, number],
  ];
  const ratio = (made: number, real: number, limit: number) => (real > limit ? made / real : null);
  const generated = (ga + gb) / 2;
  return {
    heldOut: {
      ...{ generated, reconstructed: (ra + rb) / 2, training: (ta + tb) / 2, scrambled: (sa + sb) / 2, real: ab },
      ratio: ratio(generated, ab, chance.heldOut),
    },
    learned: { generated: gt, reconstructed: rt, scrambled: st, real: tt, ratio: ratio(gt, tt, chance.learned) },
  };
}
