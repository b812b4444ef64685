/** Choice of the best of several arms, by the seeds that all of them have: other seeds would favour one by their luck. */

export interface RunArm {
  name: string;
  seeds: readonly number[];
}

/**
 * Name of the rival of the lowest value. Rivals that share no seed with the arm are left out, and those whose value is
 * not a finite number.
 *
 * @param value of a rival over seeds. @returns undefined where the arm and the rivals have no seed in common, or no rival
 *   has a value.
 */
export function bestRival(
  arm: Pick<RunArm, 'seeds'>,
  rivals: readonly RunArm[],
  value: (name: string, seeds: readonly number[]) => number,
): string | undefined {
  const own = new Set(arm.seeds);
  const met = rivals.filter(({ seeds }) => seeds.some((seed) => own.has(seed)));
  const common = [...own].filter((seed) => met.every(({ seeds }) => seeds.includes(seed)));
  if (common.length === 0) return undefined;
  const values = met
    .map(({ name }) => ({ name, value: value(name, common) }))
    .filter(({ value }) => Number.isFinite(value));
  return values.toSorted((a, b) => a.value - b.value)[0]?.name;
}
