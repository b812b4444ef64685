/**
 * The cells of an experiment: one for each matcher, budget, seed and arm. Those that share a first stage go together,
 * so that shards on several machines do not train it twice.
 */
import { joinPath, UsageError } from '@doppel/core';
import type { Shard } from '@doppel/core/batch';
import { ARCHITECTURES } from '@doppel/core/matcher';
import { strategyNamed } from './ceiling.ts';
import type { Arm, ExperimentConfig } from './config.ts';

export interface CellGroup {
  matcher: string;
  /** Share of the training places. */
  budget: number;
  seed: number;
  arms: { name: string; arm: Arm }[];
}

export interface CellKey {
  matcher: string;
  budget: number;
  seed: number;
  arm: string;
}

/** Part of the experiment to run. */
export interface Selection {
  shard?: Shard | undefined;
  arms?: readonly string[] | undefined;
  seeds?: readonly number[] | undefined;
}

/** True if an arm can be run with a matcher: features of SAR patches need a separate SAR stream. */
export const isPossible = (arm: Arm, matcher: string): boolean =>
  ARCHITECTURES.get(matcher).towers !== undefined || !strategyNamed(arm.strategy)?.needsStreams?.(arm);

/** @throws UsageError where an arm or a seed is not in the configuration. */
export function planCells(config: ExperimentConfig, { shard, arms, seeds }: Selection = {}): CellGroup[] {
  refuseUnknown('arms', arms, Object.keys(config.arms));
  refuseUnknown('seeds', seeds, config.seeds);
  const groups: CellGroup[] = [];
  // Seeds change last: a shard, or a run that is cut short, has whole comparisons of its first seeds.
  for (const [position, seed] of config.seeds.entries()) {
    if (seeds && !seeds.includes(seed)) continue;
    for (const matcher of config.matchers) {
      for (const budget of config.budgets) {
        const chosen = Object.entries(config.arms)
          .filter(([name, arm]) => (arms?.includes(name) ?? true) && isPossible(arm, matcher))
          .filter(([, arm]) => arm.seeds === undefined || position < arm.seeds)
          .map(([name, arm]) => ({ name, arm }));
        groups.push({ matcher, budget, seed, arms: chosen });
      }
    }
  }
  return shard ? groups.filter((_, i) => i % shard.of === shard.index - 1) : groups;
}

/** "100", "25", "12.5": a budget as it stands in names and tables. */
export const perCent = (budget: number): string => String(Number((budget * 100).toFixed(4)));

export const groupName = ({ matcher, budget, seed }: Omit<CellKey, 'arm'>): string =>
  `${matcher}-${perCent(budget)}-${seed}`;

export const cellPath = (out: string, key: CellKey): string =>
  joinPath(out, 'cells', groupName(key), `${key.arm}.json`);

function refuseUnknown<T>(what: string, asked: readonly T[] | undefined, known: readonly T[]): void {
  const unknown = asked?.find((each) => !known.includes(each));
  if (unknown === undefined) return;
  throw new UsageError({
    action: `run the experiment with --${what} ${asked!.join(',')}`,
    expected: `${what} among ${known.join(', ')}`,
    found: String(unknown),
  });
}
